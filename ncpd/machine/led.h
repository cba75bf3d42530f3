/* LEDs of the machine (/sys/class/leds) that show the co-processor's state, once the MCU asked for them. */
#ifndef NCPD_LED_H
#define NCPD_LED_H

#include <stdbool.h>
#include <stdint.h>

#include "ncpd/config/config.h"
#include "tandem/rpc.h"

struct event_base;
struct led;

/* mcu stays the caller's. Never NULL. */
struct led *led_new(struct event_base *base, const struct mcu_config *mcu);
/* Switches them off. */
void led_free(struct led *led);

/* hw.initLED, or hw.initRGB: takes the LEDs over. False if none are configured, or they cannot be written. */
bool led_init(struct led *led, bool colours);

/* hw.setLedBrightness. */
void led_set_brightness(struct led *led, uint8_t brightness);

/* Shows a state: off without an MCU, slow blinking while connecting, on when connected, fast during an
 * update. */
void led_show(struct led *led, enum tdm_state state);

#endif
