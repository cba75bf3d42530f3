/* A program as people write them, for test_pack.py: newlib, tables, pointers in flash and RAM, code in RAM.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((used, section(".rodata.tandem_tag"))) const char tag[] = "blnkinf\0mcu\0"
                                                                        "1.1.0"
                                                                        "\0fw-type\0"
                                                                        "newlib"
                                                                        "\0build\0"
                                                                        "Nov 22 2026 10:00:00"
                                                                        "\0blynk\0"
                                                                        "1.3.2"
                                                                        "\0";

extern unsigned char load_of_data[], start_of_data[], end_of_data[], start_of_bss[], end_of_bss[],
    stack_top[];
extern unsigned char a_number[]; /* an absolute symbol that is no address */
extern void not_there(void) __attribute__((weak));

static const char *const names[] = {"one", "two", "three"};
static const char *const behind = (const char *)&names[3]; /* points past its object */
static int by_switch(int x);
static int (*volatile in_data)(int) = by_switch;
const char *volatile text_in_data = "four";

__attribute__((section(".ramfunc"), noinline)) static int in_ram(const char *text)
{
    return puts(text) + (int)strlen(text);
}

static int by_switch(int x)
{
    switch (x) {
    case 0:
        return puts("a");
    case 1:
        return rand();
    case 2:
        return puts("bb");
    case 3:
        return 77;
    case 4:
        return puts("c");
    default:
        return (int)(size_t)a_number;
    }
}

int main(void)
{
    char text[64];

    snprintf(text, sizeof text, "%s %f %s %p", names[rand() % 3], sqrt((double)rand()), text_in_data, behind);
    if (not_there)
        not_there();
    return in_ram(text) + in_data(rand());
}

void reset(void);
void reset(void)
{
    memcpy(start_of_data, load_of_data, (size_t)(end_of_data - start_of_data));
    memset(start_of_bss, 0, (size_t)(end_of_bss - start_of_bss));
    main();
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {stack_top, reset, reset, reset};
