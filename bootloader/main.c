#include "bootloader/bootloader.h"

int main(void)
{
    bootloader_run();
}
