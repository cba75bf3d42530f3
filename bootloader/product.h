/* What a product decides about its bootloader. */
#ifndef TANDEM_BOOTLOADER_PRODUCT_H
#define TANDEM_BOOTLOADER_PRODUCT_H

enum {
    /* Trial boots of an image that no application put there: the other bank, where the active one is rotten,
     * or the best one, where the record is lost. An update's own number comes from the application. */
    PRODUCT_ATTEMPTS = 3,

    /* Trial boots that power losses may cost on top. While some are left, a power cut in the moment in which
     * a roll-back is being recorded starts the failed image once more; 0 rules that out. */
    PRODUCT_SOFT_LIMIT = 2,

    /* Longer than one signature check; docs/BOOT.md, R5. An application may shorten it where the watchdog
     * allows that. */
    PRODUCT_WATCHDOG_MS = 10000,

    /* Pause before the next try where nothing can run; shorter than the watchdog's period. */
    PRODUCT_PAUSE_MS = 5000,

    /* 1: images without a signature run too, while no signed image with a counter was confirmed (R12). */
    PRODUCT_ALLOWS_UNSIGNED = 0
};

#endif
