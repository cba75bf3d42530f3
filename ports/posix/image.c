/* An image, here, is data: who it is stands in its stored header, and what it does when it runs is told by a
 * text inside it, closed by a NUL:
 *
 *     tandem-sim:healthy            or no such text at all
 *     tandem-sim:self-test-fails
 *     tandem-sim:hangs
 *     tandem-sim:crashes
 *     tandem-sim:no-link
 *
 * Jumping to an image runs the demo application with that identity and behaviour. */
#include <string.h>

#include "bootloader/product.h"
#include "examples/demo/application.h"
#include "ports/posix/device.h"
#include "ports/posix/layout.h"
#include "tandem/plain.h"

#define SIM_MARKER      "tandem-sim:"
#define SIM_MARKER_SIZE (sizeof SIM_MARKER - 1)
#define SIM_TEXT_MAX    32u /* marker, name and NUL */

static uint8_t running_bank = TDM_NO_BANK;

static const struct {
    const char *name;
    enum application_behaviour behaviour;
} behaviours[] = {
    {"healthy", APPLICATION_HEALTHY}, {"self-test-fails", APPLICATION_SELF_TEST_FAILS},
    {"hangs", APPLICATION_HANGS},     {"crashes", APPLICATION_CRASHES},
    {"no-link", APPLICATION_NO_LINK},
};

/* Who runs; texts in memory that lasts. */
static struct tdm_manifest manifest;
static struct tdm_tag tag;
static struct application_identity identity = {
    .hardware = "posix-demo",
    .template_id = "TMPLdemo",
    .template_name = "Tandem demo",
    .plain = PRODUCT_ALLOWS_UNSIGNED ? &tdm_mcu_takes_plain : NULL,
};

uint8_t board_running_bank(void)
{
    return running_bank;
}

/* There is no processor to hold an image against: whatever lies in its bank may start. */
int board_check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                      uint32_t address)
{
    (void)ctx;
    (void)flash;
    return address - bank->address < bank->bytes - LAYOUT_HEADER_BYTES ? TDM_OK : TDM_E_VECTOR;
}

static enum application_behaviour behaviour_named(const char *name)
{
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
        if (strcmp(name, behaviours[i].name) == 0)
            return behaviours[i].behaviour;
    device_log(device_attached(), "tandem-device: the image asks for the unknown behaviour '%s'", name);
    return APPLICATION_HEALTHY;
}

/* Reads the image in overlapping pieces, so that a text across a boundary is found too. */
static enum application_behaviour behaviour_of(uint32_t image, uint32_t bytes)
{
    const struct tdm_flash *flash = board_flash();
    uint8_t piece[4096 + SIM_TEXT_MAX];

    for (uint32_t offset = 0; offset < bytes; offset += 4096) {
        size_t count = bytes - offset < sizeof piece ? bytes - offset : sizeof piece;
        const uint8_t *text;

        if (flash->ops->read(flash->ctx, image + offset, piece, count) != TDM_OK)
            break;
        text = memmem(piece, count, SIM_MARKER, SIM_MARKER_SIZE);
        if (text != NULL && memchr(text, '\0', count - (size_t)(text - piece)) != NULL)
            return behaviour_named((const char *)text + SIM_MARKER_SIZE);
    }
    return APPLICATION_HEALTHY;
}

/* The bootloader has verified the header; it is only read again. */
static int read_identity(const struct tdm_region *bank)
{
    const struct tdm_flash *flash = board_flash();
    uint8_t stored[TDM_PACKAGE_FRONT_MAX];
    const uint8_t *head = stored + TDM_STORED_PREFIX_BYTES;
    uint32_t key_id;
    size_t head_bytes;
    int result = flash->ops->read(flash->ctx, bank->address + bank->bytes - LAYOUT_HEADER_BYTES, stored,
                                  sizeof stored);

    if (result != TDM_OK)
        return result;
    head_bytes = (size_t)stored[4] | (size_t)stored[5] << 8;
    if (head_bytes > sizeof stored - TDM_STORED_PREFIX_BYTES)
        return TDM_E_FORMAT;
    result = tdm_head_parse(&manifest, &key_id, head, head_bytes);
    if (result != TDM_OK)
        return result;
    result = tdm_tag_parse(&tag, head + TDM_HEAD_FIXED_BYTES, head_bytes - TDM_HEAD_FIXED_BYTES);
    return result < 0 ? result : TDM_OK;
}

void board_jump(uint32_t vector_table)
{
    const struct tdm_layout *layout = board_layout();
    uint8_t bank = tdm_layout_bank_at(layout, vector_table);
    int result = bank == TDM_NO_BANK ? TDM_E_VECTOR : read_identity(&layout->bank[bank]);

    if (result != TDM_OK) {
        device_log(device_attached(), "tandem-device: no image to start at 0x%08x: %s", vector_table,
                   tdm_error_text(result));
        board_reset(TDM_RESET_FAULT);
    }
    identity.type = manifest.type;
    identity.version = manifest.version;
    identity.build = manifest.build;
    identity.library = tag.library;
    identity.behaviour = behaviour_of(layout->bank[bank].address, manifest.image_bytes);
    running_bank = bank;
    application_run(&identity);
}
