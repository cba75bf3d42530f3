"""What the machines that play boards here cannot do. A test that needs it is reported as "not checked here", with this reason."""

QEMU_TEARS_NOTHING = "QEMU completes every write and erase that it began, so none is torn"
QEMU_HAS_NO_LINE = "QEMU does not pace the UART and never overruns it"

CANNOT = {
    "mps2": {
        "torn write": QEMU_TEARS_NOTHING,
        "UART speed": QEMU_HAS_NO_LINE,
    },
    "nrf51": {
        "watchdog": "QEMU's microbit has none; where a firmware hangs the tester resets it",
        "write protection": "QEMU's microbit does not model it",
        "torn write": QEMU_TEARS_NOTHING,
        "UART speed": QEMU_HAS_NO_LINE,
    },
    "posix": {
        "torn write": "a kill leaves each write of the process done or not done; the simulator tears them",
        "UART speed": "a socket has none",
        "vector table": "an image is data here",
        "write protection": "the flash is a file",
    },
}


def not_checked(board, what):
    """Why this is not checked on the machine that plays the board; None if it is."""
    return CANNOT.get(board, {}).get(what)
