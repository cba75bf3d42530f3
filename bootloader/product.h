/* What a product decides about its bootloader. */
#ifndef TANDEM_BOOTLOADER_PRODUCT_H
#define TANDEM_BOOTLOADER_PRODUCT_H

/* 1: a build that fetches through the co-processor where nothing can start, or the only bank is to be
 * replaced (bootloader/fetch.c); the build system says so, and who the product is then. */
#ifndef PRODUCT_FETCHES
#define PRODUCT_FETCHES 0
#endif
/* 1: a bootloader that fetches takes compressed packages. A build option: the application of a one-bank
 * device must say the same, for it tells the cloud what it may be sent. */
#ifndef PRODUCT_DECODES
#define PRODUCT_DECODES 0
#endif
/* 1: images without a signature run too, while no signed image with a counter was confirmed (R12). A build
 * option: the application must say the same. */
#ifndef PRODUCT_ALLOWS_UNSIGNED
#define PRODUCT_ALLOWS_UNSIGNED 0
#endif
#ifndef PRODUCT_HARDWARE
#define PRODUCT_HARDWARE "demo"
#endif
#define PRODUCT_TYPE          "tandem-demo"
#define PRODUCT_LIBRARY       "1.3.2"
#define PRODUCT_TEMPLATE_ID   "TMPLdemo"
#define PRODUCT_TEMPLATE_NAME "Tandem demo"

enum {
    /* UART rate to work at while fetching. */
    PRODUCT_BAUD = 115200,

    /* Trial boots of an image that no application put there: the other bank, where the active one is rotten,
     * or the best one, where the record is lost. An update's own number comes from the application. */
    PRODUCT_ATTEMPTS = 3,

    /* Trial boots that power losses may cost on top. While some are left, a power cut in the moment in which
     * a roll-back is being recorded starts the failed image once more; 0 rules that out. */
    PRODUCT_SOFT_LIMIT = 2,

    /* Longer than one signature check; docs/BOOT.md, R5. An application may shorten it where the watchdog
     * allows that. */
    PRODUCT_WATCHDOG_MS = 10000,

    /* How long a bootloader that fetches waits for another firmware, after all attempts of the only image
     * ended without blame, before that image gets attempts again. */
    PRODUCT_RETRY_MS = 300000,

    /* Pause before the next try where nothing can run; shorter than the watchdog's period. */
    PRODUCT_PAUSE_MS = 5000
};

#endif
