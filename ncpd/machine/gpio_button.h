/* The user button: a line of a GPIO chip (/dev/gpiochipN), once the MCU asked for it. */
#ifndef NCPD_GPIO_BUTTON_H
#define NCPD_GPIO_BUTTON_H

#include <stdbool.h>
#include <stdint.h>

#include "ncpd/config/config.h"

struct event_base;
struct gpio_button;

/* event: an enum tdm_event. */
typedef void gpio_button_fn(void *ctx, uint8_t event);

/* mcu stays the caller's. Never NULL. */
struct gpio_button *gpio_button_new(struct event_base *base, const struct mcu_config *mcu,
                                    gpio_button_fn *tell, void *ctx);
void gpio_button_free(struct gpio_button *gpio);

/* Watches the line. False if none is configured, or the kernel does not give it. */
bool gpio_button_start(struct gpio_button *gpio, bool active_low);

#endif
