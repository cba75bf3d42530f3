/* The update client and what it needs, linked without an application, so that it can be weighed for any
 * processor. Its buffers are not here. Cryptography is left out: it is the product's choice, and the
 * bootloader's too. */
#include "tandem/decode.h"
#include "tandem/plain.h"
#include "tandem/resume.h"
#include "tandem/stream.h"

static volatile uint32_t hardware;

#ifdef WEIGH_ALL
static int passes(void *ctx)
{
    (void)ctx;
    return (int)hardware;
}

static const struct tdm_self_test list[] = {{"passes", passes, 1000}};
static const struct tdm_self_tests self_tests = TDM_SELF_TESTS(list);
#endif

static const struct tdm_mcu_config options = {
#ifdef WEIGH_ALL /* what is linked where the configuration names it, one bank apart */
    .decoder = &tdm_mcu_decodes,
    .resume = &tdm_mcu_resumes,
    .plain = &tdm_mcu_takes_plain,
    .stream = &tdm_mcu_streams,
    .self_tests = &self_tests,
#endif
};

void tdm_sha256_init(struct tdm_hash *hash)
{
    hash->opaque[0] = hardware;
}

void tdm_sha256_update(struct tdm_hash *hash, const void *data, size_t bytes)
{
    hash->opaque[0] += hardware + (uintptr_t)data + bytes;
}

void tdm_sha256_result(const struct tdm_hash *hash, uint8_t digest[TDM_SHA256_BYTES])
{
    digest[0] = (uint8_t)hash->opaque[0];
}

int main(void)
{
    static struct tdm_mcu mcu;
    const struct tdm_mcu_config *config = &options + hardware;
    uint8_t byte = (uint8_t)hardware;

    tdm_mcu_init(&mcu, config, hardware);
#ifdef WEIGH_ALL
    hardware = (uint32_t)tdm_mcu_hold(&mcu, hardware, hardware);
#endif
    for (;;) {
        tdm_mcu_receive(&mcu, &byte, 1, hardware);
        hardware = tdm_mcu_poll(&mcu, hardware);
        hardware = (uint32_t)tdm_mcu_pull(&mcu, &byte, 1, hardware);
    }
}
