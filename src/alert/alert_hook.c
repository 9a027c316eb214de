/* SPDX-License-Identifier: Apache-2.0 */
/* alert_hook: what goes over the wire to a webhook. */
#include "alert/alert_hook.h"

#include "base/bug.h"
#include "base/json.h"
#include "io/crypto.h"

#include "base/poison.h"

#define BODY_BYTES_MAX (64u * 1024)
#define HEADER_CAP 128u

struct str alert_hook_body(struct arena *a, const struct store_notice *n,
	const struct store_alert *al)
{
	struct sbuf b = sbuf_arena(a, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_str(&w, "event", n->event);
	json_put_str(&w, "notice", n->id);
	if (al != NULL) {
		json_put_str(&w, "alert", al->id);
		json_put_str(&w, "tenant", al->tenant);
		json_put_z(&w, "kind", store_alert_kind_name(al->kind));
		json_put_bool(&w, "proven", al->kind != STORE_ALERT_UNPROVEN);
		json_put_str(&w, "domain", al->domain);
		json_put_str(&w, "item", al->item);
		json_put_z(&w, "state", store_alert_state_name(al->state));
		json_put_int(&w, "opened", al->opened);
		json_put_int(&w, "closed", al->closed);
		json_put_str(&w, "what", al->what);
	}
	json_close_object(&w);
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

struct str alert_hook_signature(
	struct arena *a, struct str key, struct str body, int64_t now)
{
	struct str time = arena_fmt(a, "%lld", (long long)now);
	const struct str parts[] = { time, STR("."), body };
	unsigned char mac[CRYPTO_SHA256_BYTES];
	struct sbuf b = sbuf_arena(a, HEADER_CAP);

	BUG(time.p == NULL);
	crypto_hmac_sha256_parts(key, parts, 3, mac);
	sbuf_fmt(&b, "Moat-Signature: t=%.*s,v1=", STR_ARG(time));
	for (size_t i = 0; i < sizeof(mac); i++)
		sbuf_fmt(&b, "%02x", mac[i]);
	sbuf_addc(&b, '\0');
	BUG(!sbuf_ok(&b));
	return str_upto(sbuf_str(&b), sbuf_str(&b).n - 1);
}
