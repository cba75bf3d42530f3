/* Webhooks: where an organization wants to be told, of what, and what became of it. */
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "cloud/api/api.h"
#include "cloud/fleet/base/notice.h"
#include "cloud/text.h"

#define WEBHOOKS_MAX 20 /* of an organization */

static json_t *render_events(const char *events)
{
    json_t *list = json_array();
    for (events += strspn(events, " "); *events != '\0'; events += strspn(events, " ")) {
        size_t bytes = strcspn(events, " ");
        json_array_append_new(list, json_stringn(events, bytes));
        events += bytes;
    }
    return list;
}

static json_t *render_webhook(const struct webhook *webhook)
{
    return json_pack("{s:o, s:s, s:o, s:b, s:o}", "id", render_id('w', webhook->id), "url", webhook->url,
                     "events", render_events(webhook->events), "disabled", webhook->disabled, "created",
                     render_time(webhook->created));
}

/* Something that can be asked, by those who will ask. */
static bool is_web_address(const char *text)
{
    bool web = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
    bool hostless = web && strstr(text, "://")[3] == '/'; /* curl would take the path for the host */
    CURLU *url = curl_url();
    if (url == NULL)
        abort();
    bool good = web && !hostless && strpbrk(text, " \"\\<>") == NULL &&
                curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    curl_url_cleanup(url);
    return good;
}

static bool take_url(struct api_call *call, const json_t *body, char to[WEBHOOK_URL])
{
    if (json_object_get(body, "url") == NULL && to[0] != '\0')
        return true;
    if (!api_text(call, body, "url", to, WEBHOOK_URL, WEBHOOK_URL - 1))
        return false;
    if (!is_web_address(to)) {
        (void)api_refuse(call, 400, "malformed request", "url must be https://HOST/... or http://HOST/...");
        return false;
    }
    return true;
}

static bool take_events(struct api_call *call, const json_t *body, char to[WEBHOOK_EVENTS])
{
    const json_t *list = json_object_get(body, "events");
    size_t length = 0;
    if (list == NULL)
        return true;
    to[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *event = json_string_value(json_array_get(list, i));
        if (event == NULL || !notice_event_exists(event) || strlen(event) + 3 > WEBHOOK_EVENTS - length)
            break;
        length += (size_t)snprintf(to + length, WEBHOOK_EVENTS - length, " %s ", event);
        if (i + 1 == json_array_size(list))
            return true;
    }
    if (json_is_array(list) && json_array_size(list) == 0)
        return true;
    (void)api_refuse(call, 400, "malformed request",
                     "events must be a list of shipment.live, shipment.paused, shipment.finished, "
                     "shipment.cancelled and target.ended, each once; an empty list is all");
    return false;
}

int api_webhook_create(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"url", "events", NULL};
    struct webhook *there;
    size_t count;
    char secret[2 * RECORD_DIGEST_BYTES + 1];
    struct webhook webhook = {.organization = call->caller.organization, .created = fleet->now};
    json_t *body = api_body(call, members);
    bool ok = body != NULL && take_url(call, body, webhook.url) && take_events(call, body, webhook.events);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    int result = store_webhooks(fleet->store, webhook.organization, (struct page){.limit = WEBHOOKS_MAX},
                                &there, &count);
    if (result != STORE_OK)
        return result;
    free(there);
    if (count == WEBHOOKS_MAX)
        return api_refuse(call, 409, "too many", "an organization has %d webhooks at most", WEBHOOKS_MAX);
    secret_random(webhook.secret, sizeof webhook.secret);
    result = store_webhook_add(fleet->store, &webhook);
    if (result != STORE_OK)
        return result;
    call->answer = render_webhook(&webhook);
    json_object_set_new(call->answer, "secret",
                        json_string(text_hex(webhook.secret, sizeof webhook.secret, secret)));
    return STORE_OK;
}

int api_webhook_list(struct api_call *call, struct fleet *fleet)
{
    struct webhook *webhooks;
    struct page page;
    size_t count;
    if (!api_page(call, 'w', &page))
        return STORE_CONFLICT;
    int result = store_webhooks(fleet->store, call->caller.organization, page, &webhooks, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_webhook(&webhooks[i]));
    api_answer_page(call, "webhooks", list, page, 'w', count > 0 ? webhooks[count - 1].id : 0);
    free(webhooks);
    return STORE_OK;
}

int api_webhook_show(struct api_call *call, struct fleet *fleet)
{
    struct webhook webhook;
    int result = store_webhook_get(fleet->store, call->id, &webhook);
    if (result == STORE_OK)
        call->answer = render_webhook(&webhook);
    return result;
}

int api_webhook_change(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"url", "events", "disabled", NULL};
    struct webhook webhook;
    int result = store_webhook_get(fleet->store, call->id, &webhook);
    if (result != STORE_OK)
        return result;
    json_t *body = api_body(call, members);
    bool ok = body != NULL && take_url(call, body, webhook.url) && take_events(call, body, webhook.events) &&
              api_flag(call, body, "disabled", &webhook.disabled);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    call->answer = render_webhook(&webhook);
    return store_webhook_update(fleet->store, &webhook);
}

int api_webhook_delete(struct api_call *call, struct fleet *fleet)
{
    return store_webhook_delete(fleet->store, call->id);
}

int api_webhook_test(struct api_call *call, struct fleet *fleet)
{
    struct webhook webhook;
    int result = store_webhook_get(fleet->store, call->id, &webhook);
    return result == STORE_OK ? notice_test(fleet, &webhook) : result;
}

int api_webhook_deliveries(struct api_call *call, struct fleet *fleet)
{
    static const char *const states[] = {"waiting", "delivered", "given-up"};
    struct delivery *deliveries;
    struct page page;
    size_t count;
    if (!api_page(call, 'y', &page))
        return STORE_CONFLICT;
    int result = store_deliveries(fleet->store, call->id, page, &deliveries, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct delivery *delivery = &deliveries[i];
        json_array_append_new(
            list, json_pack("{s:o, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "id", render_id('y', delivery->id),
                            "event", delivery->event, "state", states[delivery->state], "attempts",
                            (json_int_t)delivery->attempts, "status",
                            delivery->status != 0 ? json_integer(delivery->status) : json_null(), "error",
                            delivery->error[0] != '\0' ? json_string(delivery->error) : json_null(),
                            "created", render_time(delivery->created), "next", render_time(delivery->due)));
    }
    api_answer_page(call, "deliveries", list, page, 'y', count > 0 ? deliveries[count - 1].id : 0);
    free(deliveries);
    return STORE_OK;
}
