/* The images that `tandem torture --base --image` runs with, in place of those that the simulator makes up.
 */
#ifndef CLI_TORTURE_IMAGES_H
#define CLI_TORTURE_IMAGES_H

#include "cli/base/files.h"
#include "cli/base/options.h"
#include "sim/world.h"

struct torture_images {
    struct file_bytes base;  /* the factory's; neither has data if none was asked for */
    struct file_bytes image; /* what is shipped */
};

/* CLI_OK, CLI_USAGE or CLI_FAILED, which is printed. torture_images_free is safe either way. */
int torture_images_read(struct torture_images *images, const struct invocation *call);
void torture_images_free(struct torture_images *images);

/* A scenario ships as many firmwares as there are images, or there are none. */
bool torture_images_fit(const struct torture_images *images, const struct sim_scenario *scenario);

/* Opens the world for the scenario. CLI_OK, or what went wrong, which is printed. */
int torture_images_open(const struct torture_images *images, struct sim_world *world,
                        const struct sim_scenario *scenario, const struct sim_layout *layout);

#endif
