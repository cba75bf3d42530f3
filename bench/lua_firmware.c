/* A firmware around a real library, for bench/encoding.py: the Lua interpreter with newlib. What differs
 * between two versions of it is said on the compiler's command line. */
#include <stdio.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

#ifndef GREETING
#define GREETING "ready"
#endif

#ifdef WITH_LOG
static int log_line(lua_State *state)
{
    printf("[%d] %s\n", lua_gettop(state), luaL_checkstring(state, 1));
    return 0;
}
#endif

int main(void)
{
    lua_State *state = luaL_newstate();

    if (state == NULL)
        return 1;
    luaL_openlibs(state);
#ifdef WITH_LOG
    lua_pushcfunction(state, log_line);
    lua_setglobal(state, "log");
#endif
    return luaL_dostring(state, "print('" GREETING "')");
}
