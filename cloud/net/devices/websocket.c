#include "cloud/net/devices/websocket.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>
#include <openssl/evp.h>
#include <wslay/wslay.h>

#define KEY_CHARACTERS 24          /* 16 bytes in Base64 */
#define WORDS_MAX      512         /* of a list of words in the handshake */
#define FRAME_MAX      (64 * 1024) /* of payload: far more than an MQTT packet here */

/* --- The handshake, section 4.2 --- */

/* Whether a header's list, in one line or in several, has this word in any case. */
static bool has_word(const struct http_head *head, const char *name, const char *word)
{
    char words[WORDS_MAX];
    const char *list = words;
    size_t bytes = strlen(word);
    if (!http_head_values(head, name, words, sizeof words))
        return false;
    while (*list != '\0') {
        list += strspn(list, ", \t");
        size_t piece = strcspn(list, ", \t");
        if (piece == bytes && strncasecmp(list, word, bytes) == 0)
            return true;
        list += piece;
    }
    return false;
}

static bool is_key(const char *key)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return strlen(key) == KEY_CHARACTERS && strspn(key, digits) == 22 && strcmp(key + 22, "==") == 0;
}

static void accept_key(const char *key, char accept[WEBSOCKET_ACCEPT_MAX])
{
    char text[KEY_CHARACTERS + 37];
    uint8_t hash[20];
    memcpy(text, key, KEY_CHARACTERS);
    memcpy(text + KEY_CHARACTERS, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 37);
    if (EVP_Digest(text, strlen(text), hash, NULL, EVP_sha1(), NULL) != 1)
        abort();
    EVP_EncodeBlock((unsigned char *)accept, hash, sizeof hash);
}

int websocket_handshake(const struct http_head *head, char accept[WEBSOCKET_ACCEPT_MAX])
{
    const char *key = http_head_value(head, "sec-websocket-key");
    if (head->method != HTTP_GET || head->content_length != 0 || head->chunked || !head->upgrade ||
        !has_word(head, "upgrade", "websocket"))
        return 426;
    if (strcmp(http_head_value(head, "sec-websocket-version"), "13") != 0)
        return 426;
    if (!is_key(key) || !has_word(head, "sec-websocket-protocol", "mqtt"))
        return 400;
    accept_key(key, accept);
    return 0;
}

/* --- Frames --- */

struct websocket {
    struct bufferevent *bev;
    struct evbuffer *input;
    wslay_event_context_ptr context;
    bool binary; /* the frame under way carries data that we take */
    size_t idle_frames;
};

static ssize_t on_receive(wslay_event_context_ptr context, uint8_t *to, size_t capacity, int flags, void *ctx)
{
    (void)flags;
    struct websocket *websocket = ctx;
    int bytes = evbuffer_remove(bufferevent_get_input(websocket->bev), to, capacity);
    if (bytes <= 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    return bytes;
}

static ssize_t on_send(wslay_event_context_ptr context, const uint8_t *data, size_t bytes, int flags,
                       void *ctx)
{
    (void)context;
    (void)flags;
    struct websocket *websocket = ctx;
    bufferevent_write(websocket->bev, data, bytes);
    return (ssize_t)bytes;
}

/* Section 6 of MQTT 5: any other data frame than a binary one closes the connection. A continuation belongs
 * to what began before it. */
static void on_frame_start(wslay_event_context_ptr context,
                           const struct wslay_event_on_frame_recv_start_arg *frame, void *ctx)
{
    struct websocket *websocket = ctx;
    if (wslay_is_ctrl_frame(frame->opcode) || frame->payload_length == 0)
        websocket->idle_frames++;
    websocket->binary = frame->opcode == WSLAY_BINARY_FRAME || frame->opcode == WSLAY_CONTINUATION_FRAME;
    if (frame->opcode == WSLAY_TEXT_FRAME)
        wslay_event_queue_close(context, WSLAY_CODE_UNSUPPORTED_DATA, NULL, 0);
}

static void on_frame_chunk(wslay_event_context_ptr context,
                           const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *ctx)
{
    (void)context;
    struct websocket *websocket = ctx;
    if (websocket->binary)
        evbuffer_add(websocket->input, chunk->data, chunk->data_length);
}

struct websocket *websocket_new(struct bufferevent *bev)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_receive,
        .send_callback = on_send,
        .on_frame_recv_start_callback = on_frame_start,
        .on_frame_recv_chunk_callback = on_frame_chunk,
    };
    struct websocket *websocket = calloc(1, sizeof *websocket);
    if (websocket == NULL)
        abort();
    websocket->bev = bev;
    websocket->input = evbuffer_new();
    if (websocket->input == NULL ||
        wslay_event_context_server_init(&websocket->context, &callbacks, websocket) != 0)
        abort();
    wslay_event_config_set_no_buffering(websocket->context, 1);
    wslay_event_config_set_max_recv_msg_length(websocket->context, FRAME_MAX);
    return websocket;
}

void websocket_free(struct websocket *websocket)
{
    if (websocket == NULL)
        return;
    wslay_event_context_free(websocket->context);
    evbuffer_free(websocket->input);
    free(websocket);
}

bool websocket_receive(struct websocket *websocket)
{
    wslay_event_context_ptr context = websocket->context;
    bool well = wslay_event_recv(context) == 0;
    if (wslay_event_send(context) != 0)
        well = false;
    return well && wslay_event_get_read_enabled(context) && !wslay_event_get_close_received(context) &&
           !wslay_event_get_close_sent(context);
}

size_t websocket_idle_frames(struct websocket *websocket)
{
    size_t frames = websocket->idle_frames;
    websocket->idle_frames = 0;
    return frames;
}

struct evbuffer *websocket_input(struct websocket *websocket)
{
    return websocket->input;
}

void websocket_send(struct websocket *websocket, const void *data, size_t bytes)
{
    struct wslay_event_msg message = {.opcode = WSLAY_BINARY_FRAME, .msg = data, .msg_length = bytes};
    if (wslay_event_queue_msg(websocket->context, &message) == 0)
        (void)wslay_event_send(websocket->context);
}

void websocket_close(struct websocket *websocket)
{
    if (wslay_event_queue_close(websocket->context, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0) == 0)
        (void)wslay_event_send(websocket->context);
}
