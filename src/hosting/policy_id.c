/* SPDX-License-Identifier: Apache-2.0 */
/* policy_id: "20261121T194000Z", and a second more when that is taken. */
#include "hosting/policy_id.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/sbuf.h"

#include "base/poison.h"

#define ID_BYTES 16

static struct str id_at(struct arena *a, int64_t s)
{
	char text[ID_BYTES + 1];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	utc_write_compact(&b, (struct unix_time){ s });
	return arena_str(a, sbuf_str(&b));
}

/* The time an id of ours names; ST_INVALID for others. */
static enum status id_time(struct str id, struct unix_time *out)
{
	char text[32];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	if (id.n != ID_BYTES)
		return ST_INVALID;
	sbuf_fmt(&b, "%.4s-%.2s-%.5s:%.2s:%.3s", id.p, id.p + 4, id.p + 6,
		id.p + 11, id.p + 13);
	return utc_parse(sbuf_str(&b), NULL, out);
}

struct str policy_id_next(struct arena *a, struct str before, int64_t now)
{
	struct unix_time last;

	if (id_time(before, &last) == ST_OK && last.s >= now)
		now = last.s + 1;
	return id_at(a, now);
}
