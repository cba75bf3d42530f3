#include "bootloader/bootloader.h"
#include "ports/posix/device.h"

int main(int argc, char **argv)
{
    return device_main(argc, argv, bootloader_run);
}
