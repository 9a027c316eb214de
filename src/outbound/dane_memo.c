/* SPDX-License-Identifier: Apache-2.0 */
/* dane_memo: the hosts, and behind them the names they lead to. */
#include <string.h>

#include "outbound/dane_memo.h"

#include "base/mem.h"

#include "base/poison.h"

struct host {
	uint16_t preference;
	/* Bytes of its names behind the hosts; the base may be any DNS name,
	 * up to DNS_NAME_TEXT_MAX. */
	uint16_t base_n;
	uint8_t name_n;
	uint8_t dane;
};

struct dane_memo {
	uint32_t ttl_s;
	uint16_t n_mx, n_usable, n_unusable;
	uint8_t state;
	bool mx_known, mx_secure, implicit_mx, null_mx, mx_cut;
	struct host hosts[];
};

static size_t bytes_of(const struct dane_result *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_mx; i++)
		n += r->mx[i].name.n + r->mx[i].tlsa_base.n;
	return n;
}

static char *put(char *p, struct str s)
{
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

struct dane_memo *dane_memo_of(const struct dane_result *r)
{
	size_t heads = sizeof(struct dane_memo) + r->n_mx * sizeof(struct host);
	struct dane_memo *m = mem_must(heads + bytes_of(r));
	char *p = (char *)m + heads;

	*m = (struct dane_memo){ .ttl_s = r->ttl_s,
		.n_mx = (uint16_t)r->n_mx,
		.n_usable = (uint16_t)r->n_usable,
		.n_unusable = (uint16_t)r->n_unusable,
		.state = (uint8_t)r->state,
		.mx_known = r->mx_known,
		.mx_secure = r->mx_secure,
		.implicit_mx = r->implicit_mx,
		.null_mx = r->null_mx,
		.mx_cut = r->mx_cut };
	for (size_t i = 0; i < r->n_mx; i++) {
		const struct mx_host *mx = &r->mx[i];

		m->hosts[i] = (struct host){ .preference = mx->preference,
			.base_n = (uint16_t)mx->tlsa_base.n,
			.name_n = (uint8_t)mx->name.n,
			.dane = (uint8_t)mx->dane };
		p = put(put(p, mx->name), mx->tlsa_base);
	}
	return m;
}

enum status dane_memo_read(
	const struct dane_memo *m, struct arena *a, struct dane_result *out)
{
	const char *p = (const char *)&m->hosts[m->n_mx];

	*out = (struct dane_result){ .state = (enum dane_state)m->state,
		.mx_known = m->mx_known,
		.mx_secure = m->mx_secure,
		.implicit_mx = m->implicit_mx,
		.null_mx = m->null_mx,
		.mx_cut = m->mx_cut,
		.n_mx = m->n_mx,
		.n_usable = m->n_usable,
		.n_unusable = m->n_unusable,
		.ttl_s = m->ttl_s };
	out->mx = arena_array(a, m->n_mx, sizeof(*out->mx));
	if (out->mx == NULL)
		return ST_LIMIT;
	for (size_t i = 0; i < m->n_mx; i++) {
		const struct host *h = &m->hosts[i];

		out->mx[i] = (struct mx_host){ .name = { p, h->name_n },
			.preference = h->preference,
			.dane = (enum dane_host)h->dane };
		p += h->name_n;
		if (h->base_n > 0)
			out->mx[i].tlsa_base = (struct str){ p, h->base_n };
		p += h->base_n;
	}
	return ST_OK;
}
