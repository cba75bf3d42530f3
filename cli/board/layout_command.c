/* tandem layout: a board's layout file as C or as linker script, so that the file is the one source. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/board/layout.h"

/* Generated files say which file they come from, not where it lay on this machine. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void print_define(const char *name, uint32_t value)
{
    printf("#define LAYOUT_%-20s 0x%08" PRIX32 "u\n", name, value);
}

static void print_region(const char *address_name, const char *bytes_name, const struct tdm_region *region)
{
    print_define(address_name, region->address);
    print_define(bytes_name, region->bytes);
}

static void print_defines(const struct board_layout *layout)
{
    const struct tdm_layout *at = &layout->places;

    printf("#define LAYOUT_%-20s \"%s\"\n", "NAME", layout->name);
    print_region("FLASH_ADDRESS", "FLASH_BYTES", &layout->flash);
    print_define("ERASE_BYTES", layout->erase_bytes);
    print_define("PROGRAM_BYTES", layout->program_bytes);
    printf("#define LAYOUT_%-20s %d\n", "PROGRAM_ONCE", layout->program_once);
    print_region("BOOTLOADER_ADDRESS", "BOOTLOADER_BYTES", &layout->bootloader);
    print_define("KEYS_ADDRESS", at->keys_address);
    print_region("RECORD_0_ADDRESS", "RECORD_0_BYTES", &at->record[0]);
    print_region("RECORD_1_ADDRESS", "RECORD_1_BYTES", &at->record[1]);
    print_region("BANK_A_ADDRESS", "BANK_A_BYTES", &at->bank[0]);
    print_region("BANK_B_ADDRESS", "BANK_B_BYTES", &at->bank[1]);
    print_define("HEADER_BYTES", at->header_bytes);
    print_region("RAM_ADDRESS", "RAM_BYTES", &layout->ram);
}

static void print_c_header(const struct board_layout *layout, const char *path)
{
    printf("/* Made by `tandem layout %s --c-header`: change the layout file, not this one. */\n"
           "/* clang-format off */\n"
           "#ifndef LAYOUT_H\n#define LAYOUT_H\n\n",
           base_name(path));
    print_defines(layout);
    printf("\n/* Initializer of a struct tdm_layout (tandem/flash.h). */\n"
           "#define LAYOUT_INITIALIZER \\\n"
           "    { \\\n"
           "        .record = {{LAYOUT_RECORD_0_ADDRESS, LAYOUT_RECORD_0_BYTES}, \\\n"
           "                   {LAYOUT_RECORD_1_ADDRESS, LAYOUT_RECORD_1_BYTES}}, \\\n"
           "        .bank = {{LAYOUT_BANK_A_ADDRESS, LAYOUT_BANK_A_BYTES}, \\\n"
           "                 {LAYOUT_BANK_B_ADDRESS, LAYOUT_BANK_B_BYTES}}, \\\n"
           "        .header_bytes = LAYOUT_HEADER_BYTES, \\\n"
           "        .keys_address = LAYOUT_KEYS_ADDRESS, \\\n"
           "    }\n\n#endif\n");
}

static void print_memory(const char *name, const char *access, const struct tdm_region *region,
                         uint32_t kept_bytes)
{
    if (region->bytes != 0)
        printf("    %-10s (%s) : ORIGIN = 0x%08" PRIX32 ", LENGTH = 0x%08" PRIX32 "\n", name, access,
               region->address, region->bytes - kept_bytes);
}

/* A bank's region ends where its header area starts: what the linker places is the image. */
static void print_linker(const struct board_layout *layout, const char *path)
{
    const struct tdm_layout *at = &layout->places;

    printf("/* Made by `tandem layout %s --ld`: change the layout file, not this one. */\nMEMORY\n{\n",
           base_name(path));
    print_memory("BOOTLOADER", "rx", &layout->bootloader, 0);
    print_memory("BANK_A", "rx", &at->bank[0], at->header_bytes);
    print_memory("BANK_B", "rx", &at->bank[1], at->header_bytes);
    print_memory("RAM", "rwx", &layout->ram, 0);
    printf("}\n");
}

static json_t *region_json(const struct tdm_region *region)
{
    return json_pack("{s:I, s:I}", "address", (json_int_t)region->address, "bytes",
                     (json_int_t)region->bytes);
}

static int print_json(const struct board_layout *layout)
{
    const struct tdm_layout *at = &layout->places;
    json_t *banks = json_array();

    for (int bank = 0; bank < TDM_BANKS; bank++) {
        if (at->bank[bank].bytes != 0)
            json_array_append_new(banks, region_json(&at->bank[bank]));
    }
    return show_json(json_pack(
        "{s:s, s:{s:I, s:I, s:I, s:I, s:b}, s:o, s:{s:I}, s:[o, o], s:o, s:I, s:o}", "name", layout->name,
        "flash", "address", (json_int_t)layout->flash.address, "bytes", (json_int_t)layout->flash.bytes,
        "erase_bytes", (json_int_t)layout->erase_bytes, "program_bytes", (json_int_t)layout->program_bytes,
        "program_once", layout->program_once, "bootloader", region_json(&layout->bootloader), "keys",
        "address", (json_int_t)at->keys_address, "record", region_json(&at->record[0]),
        region_json(&at->record[1]), "banks", banks, "header_bytes", (json_int_t)at->header_bytes, "ram",
        region_json(&layout->ram)));
}

static void print_line(const char *name, const struct tdm_region *region)
{
    if (region->bytes != 0)
        printf("%-13s 0x%08" PRIX32 "  %" PRIu32 " bytes\n", name, region->address, region->bytes);
}

static void print_lines(const struct board_layout *layout)
{
    const struct tdm_layout *at = &layout->places;

    printf("%s\n", layout->name);
    print_line("flash", &layout->flash);
    print_line("bootloader", &layout->bootloader);
    printf("%-13s 0x%08" PRIX32 "\n", "keys", at->keys_address);
    print_line("record unit 0", &at->record[0]);
    print_line("record unit 1", &at->record[1]);
    print_line("bank A", &at->bank[0]);
    print_line("bank B", &at->bank[1]);
    print_line("RAM", &layout->ram);
    printf("erase unit %" PRIu32 ", program unit %" PRIu32 "%s, header area %" PRIu32 " bytes per bank\n",
           layout->erase_bytes, layout->program_bytes, layout->program_once ? " (once)" : "",
           at->header_bytes);
}

static int run(const struct invocation *call)
{
    struct board_layout layout;
    int rc;

    if (option_given(call, "c-header") + option_given(call, "ld") + option_given(call, "json") > 1)
        return output_fail(CLI_USAGE, "one of --c-header, --ld and --json at a time");
    rc = layout_load(&layout, call->argument[0]);
    if (rc != CLI_OK)
        return rc;
    if (option_given(call, "json"))
        return print_json(&layout);
    if (option_given(call, "c-header"))
        print_c_header(&layout, call->argument[0]);
    else if (option_given(call, "ld"))
        print_linker(&layout, call->argument[0]);
    else
        print_lines(&layout);
    return CLI_OK;
}

static const struct option options[] = {
    {"c-header", 0, NULL, "print a C header with the addresses and a struct tdm_layout", 0},
    {"ld", 0, NULL, "print the MEMORY regions of a linker script", 0},
    {0},
};

const struct command command_layout = {
    .name = "layout",
    .arguments = "FILE.json",
    .summary = "check a board's layout file and print it, also as C or for the linker",
    .details = "The file is the one source for where bootloader, keys, boot record and banks lie;\n"
               "docs/LAYOUT.md has its format.\n",
    .options = options,
    .uses = USES_JSON,
    .run = run,
};
