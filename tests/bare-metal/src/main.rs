//! Tasks of a thread and of an interrupt, on a Stellaris LM3S6965 as qemu has it.

#![no_std]
#![no_main]

mod ticks;

use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{entry, exception};
use embassy_executor::{Executor, InterruptExecutor};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use embassy_time::{Instant, Timer};
use panic_halt as _;

type Raw = CriticalSectionRawMutex;

static BUS: Mutex<Raw, u32> = Mutex::new(0);
static DISPLAY: Mutex<Raw, u32> = Mutex::new(0);
static ORDERS: Channel<Raw, u32, 4> = Channel::new();
static BUTTON: Signal<Raw, u32> = Signal::new();

static INTERRUPT: InterruptExecutor = InterruptExecutor::new();

/// Cycles of the processor in a millisecond.
const MILLISECOND: u32 = 12_000;

/// An interrupt of no device that is used.
#[derive(Clone, Copy)]
struct Unused;

// SAFETY: the processor has an interrupt of that number.
unsafe impl InterruptNumber for Unused {
    fn number(self) -> u16 {
        7
    }
}

#[exception]
unsafe fn DefaultHandler(_number: i16) {
    // SAFETY: only that interrupt is enabled, and its executor is started.
    unsafe { INTERRUPT.on_interrupt() };
}

/// Takes the display and then the bus.
#[embassy_executor::task]
async fn draw() {
    let display = DISPLAY.lock().await;
    Timer::after_millis(10).await;
    let bus = BUS.lock().await;
    core::hint::black_box((*display, *bus));
}

/// Takes them the other way round.
#[embassy_executor::task]
async fn measure() {
    let bus = BUS.lock().await;
    Timer::after_millis(10).await;
    let display = DISPLAY.lock().await;
    core::hint::black_box((*bus, *display));
}

#[embassy_executor::task]
async fn listen() {
    core::hint::black_box(ORDERS.receive().await);
}

#[embassy_executor::task(pool_size = 3)]
async fn blink(number: u32) {
    Timer::at(Instant::from_ticks(1 << 40)).await;
    core::hint::black_box(number);
}

#[embassy_executor::task]
async fn press() {
    core::hint::black_box(BUTTON.wait().await);
}

#[entry]
fn main() -> ! {
    let mut parts = cortex_m::Peripherals::take().expect("they are taken once");
    parts.SYST.set_clock_source(SystClkSource::Core);
    parts.SYST.set_reload(MILLISECOND);
    parts.SYST.enable_counter();
    parts.SYST.enable_interrupt();
    INTERRUPT.start(Unused).must_spawn(press());

    static mut EXECUTOR: MaybeUninit<Executor> = MaybeUninit::uninit();
    // SAFETY: `main` is called once.
    let executor = unsafe { (*addr_of_mut!(EXECUTOR)).write(Executor::new()) };
    executor.run(|spawner| {
        spawner.must_spawn(draw());
        spawner.must_spawn(measure());
        spawner.must_spawn(listen());
        spawner.must_spawn(blink(1));
        spawner.must_spawn(blink(2));
    })
}
