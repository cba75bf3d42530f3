#include "cloud/net/doors/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* Of TLS 1.2; 1.3 has no others. None in which the certificate's key opens what was recorded. */
#define CIPHERS "DEFAULT:!kRSA"

struct tls {
    const struct tls_files *files;
    enum tls_clients clients;
    SSL_CTX *context; /* of connections to come */
};

/* The first thing that OpenSSL complains of, and what to look at. */
static bool complain(const char *file, const char *hint, char *why, size_t capacity)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);
    if (ERR_GET_LIB(error) == ERR_LIB_SYS)
        reason = strerror(ERR_GET_REASON(error));
    snprintf(why, capacity, "%s: %s; %s", file, reason != NULL ? reason : "it cannot be used", hint);
    ERR_clear_error();
    return false;
}

static bool take_files(SSL_CTX *context, const struct tls_files *files, char *why, size_t capacity)
{
    if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
        return complain(files->certificate, "it must be a certificate in PEM, its chain behind it", why,
                        capacity);
    if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return complain(files->key, "it must be the certificate's private key in PEM, without a password",
                        why, capacity);
    if (files->client_ca == NULL)
        return true;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(files->client_ca);
    if (names == NULL || SSL_CTX_load_verify_locations(context, files->client_ca, NULL) != 1)
        return complain(files->client_ca, "it must hold the clients' certificate authorities in PEM", why,
                        capacity);
    SSL_CTX_set_client_CA_list(context, names);
    return true;
}

/* A key with a password would wait for somebody at a terminal. */
static int no_password(char *to, int capacity, int writing, void *ctx)
{
    (void)to;
    (void)capacity;
    (void)writing;
    (void)ctx;
    return -1;
}

static SSL_CTX *context_new(const struct tls *tls, char *why, size_t capacity)
{
    static const unsigned char name[] = "tandem-cloud";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL)
        abort();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    if (SSL_CTX_set_cipher_list(context, CIPHERS) != 1)
        abort();
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets do, without memory of ours */
    SSL_CTX_set_num_tickets(context, 1);
    if (tls->files->client_ca != NULL)
        SSL_CTX_set_verify(
            context,
            SSL_VERIFY_PEER | (tls->clients == TLS_CLIENTS_MUST ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    ERR_clear_error();
    if (take_files(context, tls->files, why, capacity))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

struct tls *tls_load(const struct tls_files *files, enum tls_clients clients, char *why, size_t capacity)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        abort();
    *tls = (struct tls){.files = files, .clients = clients};
    tls->context = context_new(tls, why, capacity);
    if (tls->context != NULL)
        return tls;
    free(tls);
    return NULL;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

bool tls_reload(struct tls *tls, char *why, size_t capacity)
{
    SSL_CTX *context = context_new(tls, why, capacity);
    if (context == NULL)
        return false;
    SSL_CTX_free(tls->context); /* connections hold it as long as they need it */
    tls->context = context;
    return true;
}

int64_t tls_expires(const struct tls *tls)
{
    struct tm end = {0};
    const X509 *certificate = SSL_CTX_get0_certificate(tls->context);
    if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
        return 0;
    return timegm(&end);
}

struct bufferevent *tls_accept(struct tls *tls, struct event_base *base, evutil_socket_t fd, int options)
{
    SSL *ssl = SSL_new(tls->context);
    struct bufferevent *bev =
        ssl == NULL ? NULL
                    : bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, options);
    if (bev == NULL)
        SSL_free(ssl);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1); /* lengths say what is whole */
    return bev;
}

static SSL *ssl_of(struct bufferevent *bev)
{
    return bev != NULL ? bufferevent_openssl_get_ssl(bev) : NULL;
}

bool tls_secures(struct bufferevent *bev)
{
    return ssl_of(bev) != NULL;
}

bool tls_client_verified(struct bufferevent *bev)
{
    SSL *ssl = ssl_of(bev);
    return ssl != NULL && SSL_get0_peer_certificate(ssl) != NULL && SSL_get_verify_result(ssl) == X509_V_OK;
}

const char *tls_server_name(struct bufferevent *bev)
{
    SSL *ssl = ssl_of(bev);
    const char *name = ssl == NULL ? NULL : SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    bool plain = name != NULL && name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")] == '\0';
    return plain && strlen(name) <= 64 ? name : "";
}

void tls_goodbye(struct bufferevent *bev)
{
    SSL *ssl = ssl_of(bev);
    if (ssl == NULL || !SSL_is_init_finished(ssl))
        return;
    (void)SSL_shutdown(ssl);
    ERR_clear_error();
}
