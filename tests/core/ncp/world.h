/* The world around an MCU of the tests and the co-processor: line, clock, file, operations. */
#ifndef TESTS_NCP_WORLD_H
#define TESTS_NCP_WORLD_H

#include "mcu_stub.h"
#include "tandem/ncp.h"

struct world {
    struct tdm_ncp ncp;
    struct tdm_ncp_config config;
    uint32_t now_ms;
    struct stub mcu;
    uint8_t file[STUB_FILE_MAX];
    struct tdm_ncp_firmware firmware;

    /* What the co-processor did. */
    bool online;
    int onlines, offlines;
    int reboots;
    uint32_t baud;
    uint32_t bytes_at_switch; /* bytes on the wire when the rate changed last */
    uint32_t bytes_sent;
    struct tdm_ncp_progress progress[STUB_LOG];
    int progress_count;
    struct tdm_ncp_device_report report;
    int reports;
    int read_error; /* read returns it if it is not 0 */
    bool host_serves;
    uint16_t host_uid; /* that the host was asked for last */
    uint16_t host_pin;
    uint16_t host_msg_id;
};

/* A world at rest; now_ms starts close to the clock's wrap. */
void world_init(struct world *world);

/* Lets ms milliseconds pass: timers, line and MCU work. */
void world_run(struct world *world, uint32_t ms);

/* A file of bytes and its offer, not given to the ncp yet. */
void world_file(struct world *world, uint32_t bytes);
void world_offer(struct world *world);

/* Progress of a stage so far, and the last one. */
int world_count(const struct world *world, enum tdm_ncp_stage stage);
const struct tdm_ncp_progress *world_last(const struct world *world);
/* A world with an MCU that is initialized, and a file of bytes that is not offered yet. */
void world_begin(struct world *world, uint32_t bytes);
/* Runs until the MCU has taken so many bytes. */
void world_run_until_written(struct world *world, uint32_t bytes);
void world_assert_installed(const struct world *world);
/* It failed once, for this reason. */
void world_assert_failed(const struct world *world, uint8_t reason);

#endif
