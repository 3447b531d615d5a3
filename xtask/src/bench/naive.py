# What one writes in an afternoon: gdb's own types and values, one task after the other.
# Run in gdb on a stopped, unoptimized program with a multi-threaded runtime.
import time

import gdb


def member(value, *names):
    for name in names:
        value = value[name]
    return value


def pointer(value):
    # NonNull, Arc and Box end in a pointer, some structs further down.
    while value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        value = value[value.type.fields()[0]]
    return value


def handle():
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame = gdb.newest_frame()
        while frame is not None:
            name = frame.name() or ""
            if name.startswith("tokio::runtime::scheduler::multi_thread::worker::run"):
                frame.select()
                try:
                    worker = pointer(gdb.parse_and_eval("worker"))
                    return pointer(worker["data"]["handle"])["data"]
                except gdb.error:
                    pass
            frame = frame.older()
    raise gdb.GdbError("no worker is known")


def tasks():
    owned = member(handle(), "shared", "owned", "list")
    lists = owned["lists"]
    header = gdb.lookup_type("tokio::runtime::task::core::Header").pointer()
    trailer = gdb.lookup_type("tokio::runtime::task::core::Trailer").pointer()
    for shard in range(int(lists["length"])):
        lock = lists["data_ptr"][shard]
        head = lock
        for name in ("__0", "data", "value", "head"):
            try:
                head = head[name]
            except gdb.error:
                continue
        at = int(head.cast(gdb.lookup_type("u64"))) if head.type.sizeof == 8 else 0
        while at:
            task = gdb.Value(at).cast(header)
            yield at, task
            offset = int(task["vtable"]["trailer_offset"])
            links = gdb.Value(at + offset).cast(trailer)["owned"]
            following = links["inner"]["value"]["next"]
            at = int(following.cast(gdb.lookup_type("u64")))


def future(task):
    poll = int(task["vtable"]["poll"])
    function = gdb.block_for_pc(poll).function.name
    arguments = function[function.index("<") + 1 : -1]
    cell = gdb.lookup_type("tokio::runtime::task::core::Cell<" + arguments + ">").pointer()
    stage = task.cast(cell)["core"]["stage"]
    # The state machines in each other, as gdb prints enums.
    return arguments, stage.format_string(max_depth=8)


begun = time.monotonic()
shown = 0
for address, task in tasks():
    print(hex(address), *future(task))
    shown += 1
    if time.monotonic() - begun > LIMIT:  # noqa: F821 (set by who runs this)
        break
print("naive:", shown, time.monotonic() - begun)
