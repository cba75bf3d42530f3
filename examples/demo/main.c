/* The demo application on a board. Version, hardware id and behaviour come from the build
 * (examples/CMakeLists.txt). */
#include "examples/demo/application.h"
#include "ports/board.h"
#include "tandem/tag.h"

/* One source for the tag, which tools and clouds read, and for setFirmwareInfo, which the device says. */
#define FIRMWARE_TYPE    "tandem-demo"
#define FIRMWARE_VERSION DEMO_VERSION
#define FIRMWARE_BUILD   __DATE__ " " __TIME__
#define FIRMWARE_LIBRARY "0.1.0"

TDM_FIRMWARE_TAG(firmware_tag, FIRMWARE_VERSION, FIRMWARE_TYPE, FIRMWARE_BUILD, FIRMWARE_LIBRARY);

static const struct application_identity identity = {
    .type = FIRMWARE_TYPE,
    .version = FIRMWARE_VERSION,
    .build = FIRMWARE_BUILD,
    .library = FIRMWARE_LIBRARY,
    .hardware = DEMO_HARDWARE,
    .template_id = "TMPLdemo",
    .template_name = "Tandem demo",
    .behaviour = DEMO_BEHAVIOUR,
};

int main(void)
{
    board_init();
    application_run(&identity);
}
