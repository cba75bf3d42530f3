/* A firmware around a real library, for bench/encoding.py: a TLS client of BearSSL. */
#include <bearssl.h>

#ifndef CONTEXT
#define CONTEXT br_ssl_client_init_full
#endif

static br_ssl_client_context client;
static br_x509_minimal_context x509;
static unsigned char buffer[BR_SSL_BUFSIZE_BIDI];

int main(void)
{
    CONTEXT(&client, &x509, NULL, 0);
    br_ssl_engine_set_buffer(&client.eng, buffer, sizeof buffer, 1);
#ifdef WITH_RESUMPTION
    br_ssl_client_forget_session(&client);
    return br_ssl_client_reset(&client, "updates.example", 1) ? 0
                                                              : (int)br_ssl_engine_last_error(&client.eng);
#else
    return br_ssl_client_reset(&client, "updates.example", 0) ? 0 : 1;
#endif
}
