/* SPDX-License-Identifier: Apache-2.0 */
/* digest_budget: a map from hour, domain and reporter to bytes. */
#include "intake/digest_budget.h"

#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "io/public_suffix.h"

#include "base/poison.h"

#define HOUR_S 3600
#define ROW_BYTES 64u /* of a row without its texts */
#define KEY_MAX 1024u
#define DKIM "dkim:"

struct digest_budget {
	struct public_suffix *suffixes;
	struct map *taken; /* key -> uint64_t */
};

static void clear(struct digest_budget *b)
{
	struct str key;
	size_t at = 0;
	void *bytes;

	while (map_next(b->taken, &at, &key, &bytes))
		mem_free(bytes);
	map_free(&b->taken);
}

struct digest_budget *digest_budget_new(void)
{
	struct digest_budget *b = mem_must(sizeof(*b));

	b->suffixes = public_suffix_open();
	b->taken = map_new();
	return b;
}

void digest_budget_free(struct digest_budget **b)
{
	if (*b == NULL)
		return;
	clear(*b);
	public_suffix_close(&(*b)->suffixes);
	mem_free(*b);
	*b = NULL;
}

static uint64_t bytes_of(const struct store_report_policy *p)
{
	uint64_t n = ROW_BYTES + p->type.n + p->domain.n;

	for (size_t i = 0; i < p->strings.n; i++)
		n += p->strings.items[i].n;
	for (size_t i = 0; i < p->mx.n; i++)
		n += p->mx.items[i].n;
	for (size_t i = 0; i < p->n_failures; i++) {
		const struct store_report_failure *f = &p->failures[i];

		n += ROW_BYTES + f->result_type.n + f->sending_ip.n +
		     f->receiving_host.n + f->receiving_helo.n +
		     f->receiving_ip.n + f->reason_code.n + f->info_uri.n;
	}
	return n;
}

/* Whoever signs, by what is registered; "": nobody does. */
static struct str reporter_of(
	const struct digest_budget *b, const struct store_report *r)
{
	if (!str_starts(r->proof, STR(DKIM)))
		return STR("");
	return public_suffix_registrable(
		b->suffixes, str_from(r->proof, sizeof(DKIM) - 1));
}

static uint64_t *counter_of(struct digest_budget *b, struct str key)
{
	uint64_t *n = map_get(b->taken, key);

	if (n != NULL)
		return n;
	if (map_count(b->taken) >= DIGEST_BUDGET_KEYS_MAX) {
		clear(b);
		b->taken = map_new();
	}
	n = mem_must(sizeof(*n));
	(void)map_put(b->taken, key, n);
	return n;
}

static uint64_t *counter_for(
	struct digest_budget *b, const struct store_report *r)
{
	char room[KEY_MAX];
	struct sbuf key = sbuf_fixed(room, sizeof(room));

	sbuf_fmt(&key, "%lld %.*s %.*s %.*s", (long long)(r->received / HOUR_S),
		STR_ARG(r->tenant), STR_ARG(r->domain),
		STR_ARG(reporter_of(b, r)));
	BUG(!sbuf_ok(&key));
	return counter_of(b, sbuf_str(&key));
}

static uint64_t bytes_of_all(const struct store_report *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->n_policies; i++)
		n += bytes_of(&r->policies[i]);
	return n;
}

enum status digest_budget_take(
	struct digest_budget *b, const struct store_report *r, struct err *e)
{
	struct str reporter = reporter_of(b, r);
	uint64_t *taken = counter_for(b, r), n = bytes_of_all(r);

	if (n > DIGEST_BUDGET_BYTES - *taken)
		return err_set(e, ST_LIMIT,
			"its rows are more than %.*s%s may fill of the "
			"database in an hour",
			STR_ARG(reporter),
			reporter.n > 0 ? "" : "what nothing proves");
	*taken += n;
	return ST_OK;
}

void digest_budget_give(struct digest_budget *b, const struct store_report *r)
{
	uint64_t *taken = counter_for(b, r), n = bytes_of_all(r);

	*taken -= n < *taken ? n : *taken;
}
