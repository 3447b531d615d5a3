"""What gdb gives to unhang: one file for each sort of primitive."""
