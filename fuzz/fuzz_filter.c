/* What operators and devices write and the fleet compares: filters, versions, build dates, zone files, keys.
 * The first byte chooses, the rest is the text; two texts are parted by a line end. */
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/firmware/key.h"
#include "cloud/fleet/rules/filter.h"
#include "cloud/fleet/rules/version.h"
#include "cloud/fleet/rules/zone.h"
#include "cloud/text.h"
#include "fuzz/fuzz.h"

/* What parses matches or does not, and says the same twice. */
static void fuzz_filter(const char *text)
{
    struct filter filter;
    char why[160];
    struct device device = {
        .id = 17, .name = "pump 7", .template = "T1", .version = "1.2.0", .tags = "a,b", .zone = "UTC"};
    if (!filter_parse(&filter, text, why, sizeof why)) {
        require(why[0] != '\0');
        return;
    }
    require(filter.count <= FILTER_TERMS_MAX);
    require(filter_matches(&filter, &device, NULL) == filter_matches(&filter, &device, NULL));
    (void)filter_exact(&filter, FILTER_TEMPLATE);
}

/* An order turns round with its sides, and the keys go with it. */
static void fuzz_versions(char *text)
{
    char a_key[VERSION_KEY_MAX], b_key[VERSION_KEY_MAX];
    int forth = 0, back = 0;
    char *other = strchr(text, '\n');
    if (other == NULL)
        return;
    *other++ = '\0';
    bool comparable = version_compare(text, other, &forth);
    require(comparable == version_compare(other, text, &back));
    if (comparable)
        require((forth > 0) == (back < 0) && (forth < 0) == (back > 0));
    require(strlen(version_key(text, a_key)) < VERSION_KEY_MAX &&
            strlen(version_key(other, b_key)) < VERSION_KEY_MAX);
}

static void fuzz_dates(const char *text)
{
    int64_t value;
    if (version_build_date(text, &value))
        require(value >= 0);
    if (text_time_parse(text, &value))
        require(value > 0);
}

static void fuzz_zone(const uint8_t *data, size_t size)
{
    struct zone *zone = zone_parse("fuzz", data, (uint32_t)size);
    if (zone != NULL) {
        for (int64_t now = 0; now < (int64_t)4000000000000; now += 100000000000)
            (void)zone_offset(zone, now);
    }
    zone_free(zone);
}

static void fuzz_key(const char *text)
{
    struct signing_key key = {0};
    char why[300] = "";
    require(key_parse(text, &key, why, sizeof why) || why[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 8192)
        return 0;
    char *text = malloc(size);
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 5) {
    case 0:
        fuzz_filter(text);
        break;
    case 1:
        fuzz_versions(text);
        break;
    case 2:
        fuzz_dates(text);
        break;
    case 3:
        fuzz_zone(data + 1, size - 1);
        break;
    default:
        fuzz_key(text);
    }
    free(text);
    return 0;
}
