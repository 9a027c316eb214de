/* SPDX-License-Identifier: Apache-2.0 */
/* acme_ari: renewal times. */
#include "hosting/acme_ari.h"

#include "base/base64.h"
#include "base/sbuf.h"
#include "hosting/acme_message.h"
#include "store/store.h"

#include "base/poison.h"

#define SHORT_LIFE_S (10 * UTC_DAY_S)

struct str acme_ari_cert_id(
	struct arena *a, struct str authority_key, struct str serial)
{
	struct sbuf b = sbuf_arena(a, 512);

	if (authority_key.n == 0 || serial.n == 0)
		return (struct str){};
	base64url_write(&b, authority_key);
	sbuf_addc(&b, '.');
	base64url_write(&b, serial);
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

struct str acme_ari_url(
	struct arena *a, struct str renewal_info, struct str cert_id)
{
	const char *slash = str_ends(renewal_info, STR("/")) ||
					    renewal_info.n == 0
				    ? ""
				    : "/";

	return arena_fmt(a, "%.*s%s%.*s", STR_ARG(renewal_info), slash,
		STR_ARG(cert_id));
}

int64_t acme_renew_backstop(int64_t not_before, int64_t not_after)
{
	int64_t life = not_after - not_before;

	return not_after - (life < SHORT_LIFE_S ? life / 2 : life / 3);
}

void acme_ari_apply(struct store_cert *c, const struct acme_renewal_info *info,
	uint32_t random)
{
	int64_t latest = c->not_after - (c->not_after - c->not_before) / 6;
	int64_t width = info->end.s - info->start.s;
	int64_t at;

	c->ari_url = info->explanation;
	if (c->ari_start == info->start.s && c->ari_end == info->end.s &&
		c->renew_at != 0)
		return;
	c->ari_start = info->start.s;
	c->ari_end = info->end.s;
	at = info->start.s + (width > 0 ? random % width : 0);
	c->renew_at = at < latest ? at : latest;
}

bool acme_ari_early(const struct store_cert *c)
{
	int64_t life = c->not_after - c->not_before;

	return c->ari_end != 0 &&
	       c->ari_end < acme_renew_backstop(c->not_before, c->not_after) -
				    life / 6;
}
