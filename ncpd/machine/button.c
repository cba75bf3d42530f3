#include "ncpd/machine/button.h"

enum { UP, DOWN, CLICKED, DOWN_AGAIN, LONG, RESETTING, SPENT };

/* How long each state lasts without an edge, what it becomes then, and what that means. */
static const struct {
    uint32_t limit_ms; /* since the press, or the click; 0: for ever */
    uint8_t next;
    uint8_t event;
} states[] = {
    [UP] = {0, UP, BUTTON_NOTHING},
    [DOWN] = {BUTTON_LONG_MS, LONG, TDM_EVENT_LONG_PRESS},
    [CLICKED] = {BUTTON_DOUBLE_MS, UP, TDM_EVENT_CLICK},
    [DOWN_AGAIN] = {BUTTON_LONG_MS, LONG, TDM_EVENT_LONG_PRESS},
    [LONG] = {BUTTON_RESET_MS, RESETTING, TDM_EVENT_RESET_START},
    [RESETTING] = {BUTTON_DONE_MS, SPENT, TDM_EVENT_RESET_DONE},
    [SPENT] = {0, SPENT, BUTTON_NOTHING},
};

static uint8_t enter(struct button *button, uint8_t state, uint32_t now_ms, uint8_t event)
{
    button->state = state;
    button->since_ms = now_ms;
    return event;
}

uint8_t button_edge(struct button *button, bool down, uint32_t now_ms)
{
    switch (button->state) {
    case UP:
        return down ? enter(button, DOWN, now_ms, BUTTON_NOTHING) : BUTTON_NOTHING;
    case CLICKED:
        return down ? enter(button, DOWN_AGAIN, now_ms, BUTTON_NOTHING) : BUTTON_NOTHING;
    case DOWN:
        return down ? BUTTON_NOTHING : enter(button, CLICKED, now_ms, BUTTON_NOTHING);
    case DOWN_AGAIN:
        return down ? BUTTON_NOTHING : enter(button, UP, now_ms, TDM_EVENT_DOUBLE_CLICK);
    case LONG:
        return down ? BUTTON_NOTHING : enter(button, UP, now_ms, TDM_EVENT_LONG_RELEASE);
    case RESETTING:
        return down ? BUTTON_NOTHING : enter(button, UP, now_ms, TDM_EVENT_RESET_CANCEL);
    default:
        return down ? BUTTON_NOTHING : enter(button, UP, now_ms, BUTTON_NOTHING);
    }
}

uint8_t button_tick(struct button *button, uint32_t now_ms)
{
    uint32_t limit_ms = states[button->state].limit_ms;
    uint8_t event = states[button->state].event;

    if (limit_ms == 0 || now_ms - button->since_ms < limit_ms)
        return BUTTON_NOTHING;
    button->state = states[button->state].next; /* the time goes on from the press */
    return event;
}

uint32_t button_wait(const struct button *button, uint32_t now_ms)
{
    uint32_t limit_ms = states[button->state].limit_ms;
    uint32_t gone_ms = now_ms - button->since_ms;

    if (limit_ms == 0)
        return UINT32_MAX;
    return gone_ms < limit_ms ? limit_ms - gone_ms : 0;
}
