#include "cli/torture/torture_images.h"

#include "cli/base/output.h"

enum { IMAGES = 2, BYTES_MIN = 64 };

static int read_image(struct file_bytes *file, const char *path)
{
    int rc = file_read(file, path);

    if (rc == CLI_OK && file->size < BYTES_MIN)
        return output_fail(CLI_FAILED, "%s: an image has %d bytes or more", path, BYTES_MIN);
    return rc;
}

int torture_images_read(struct torture_images *images, const struct invocation *call)
{
    const char *base = option_text(call, "base");
    const char *image = option_text(call, "image");
    int rc;

    *images = (struct torture_images){.base = {.data = NULL}};
    if (base == NULL && image == NULL)
        return CLI_OK;
    if (base == NULL || image == NULL)
        return output_fail(CLI_USAGE,
                           "--base and --image go together: what the device has, and what is shipped to it");
    rc = read_image(&images->base, base);
    return rc == CLI_OK ? read_image(&images->image, image) : rc;
}

void torture_images_free(struct torture_images *images)
{
    file_free(&images->base);
    file_free(&images->image);
}

static bool are_given(const struct torture_images *images)
{
    return images->image.data != NULL;
}

bool torture_images_fit(const struct torture_images *images, const struct sim_scenario *scenario)
{
    return !are_given(images) || sim_scenario_firmwares(scenario) == IMAGES;
}

int torture_images_open(const struct torture_images *images, struct sim_world *world,
                        const struct sim_scenario *scenario, const struct sim_layout *layout)
{
    const struct sim_image own[IMAGES] = {{images->base.data, (uint32_t)images->base.size},
                                          {images->image.data, (uint32_t)images->image.size}};

    if (!torture_images_fit(images, scenario))
        return output_fail(
            CLI_USAGE,
            "the scenario \"%s\" ships more than one firmware, and --image is one; take \"%s\", "
            "or another that ships one",
            scenario->name, sim_layout_has_one_bank(layout) ? "one-compressed" : "delta-framed");
    if (are_given(images))
        return sim_world_open_images(world, scenario, layout, own)
                   ? CLI_OK
                   : output_fail(CLI_FAILED, "the banks of this layout are too small for the images");
    return sim_world_open(world, scenario, layout)
               ? CLI_OK
               : output_fail(CLI_FAILED,
                             "the banks are too small for a firmware: give them at least 256 bytes "
                             "beside their header areas");
}
