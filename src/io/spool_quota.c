/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_quota: counters per clock hour of the process. When the hour changes
 * all tables are emptied, which also is what keeps them small.
 */
#include "io/spool_quota.h"

#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/sbuf.h"

#include "base/poison.h"

#define HOUR_MS INT64_C(3600000)

struct counter {
	uint64_t bytes;
	uint32_t reports;
};

struct table {
	struct spool_quota_limits limits;
	struct map *counters; /* -> struct counter */
	struct counter others;
};

struct spool_quota {
	struct table tables[SPOOL_QUOTA_KINDS];
	struct mono hour; /* when the current one began */
	bool begun;
};

struct spool_quota *spool_quota_new(const struct spool_quota_limits *per_id,
	const struct spool_quota_limits *per_source)
{
	struct spool_quota *q = mem_must(sizeof(*q));

	q->tables[SPOOL_QUOTA_ID].limits = *per_id;
	q->tables[SPOOL_QUOTA_SOURCE].limits = *per_source;
	q->tables[SPOOL_QUOTA_SHARE].limits = (struct spool_quota_limits){
		per_id->reports / SPOOL_QUOTA_SHARE_PART,
		per_id->bytes / SPOOL_QUOTA_SHARE_PART,
	};
	for (int i = 0; i < SPOOL_QUOTA_KINDS; i++)
		q->tables[i].counters = map_new();
	return q;
}

static void table_empty(struct table *t)
{
	struct str key;
	size_t at = 0;
	void *value;

	while (map_next(t->counters, &at, &key, &value))
		mem_free(value);
	map_free(&t->counters);
	t->others = (struct counter){};
}

void spool_quota_free(struct spool_quota **q)
{
	if (*q == NULL)
		return;
	for (int i = 0; i < SPOOL_QUOTA_KINDS; i++)
		table_empty(&(*q)->tables[i]);
	mem_free(*q);
	*q = NULL;
}

static void new_hour(struct spool_quota *q, struct mono now)
{
	if (q->begun && now.ms - q->hour.ms < HOUR_MS)
		return;
	q->hour = now;
	q->begun = true;
	for (int i = 0; i < SPOOL_QUOTA_KINDS; i++) {
		table_empty(&q->tables[i]);
		q->tables[i].counters = map_new();
	}
}

static struct counter *counter_of(struct table *t, struct str key)
{
	struct counter *c = map_get(t->counters, key);

	if (c != NULL)
		return c;
	if (map_count(t->counters) >= SPOOL_QUOTA_ENTRIES)
		return &t->others;
	c = mem_must(sizeof(*c));
	(void)map_put(t->counters, key, c);
	return c;
}

const char *spool_quota_kind_name(enum spool_quota_kind kind)
{
	static const char *const names[] = {
		[SPOOL_QUOTA_ID] = "id",
		[SPOOL_QUOTA_SOURCE] = "source",
		[SPOOL_QUOTA_SHARE] = "share",
	};

	return names[kind];
}

/* The counters of one report; NULL: nothing counts it. */
struct counters {
	struct counter *of[SPOOL_QUOTA_KINDS];
};

static struct counters counters_of(
	struct spool_quota *q, struct str id, struct str source)
{
	struct table *t = q->tables;
	char room[2 * SPOOL_QUOTA_KEY_MAX + 1];
	struct sbuf pair = sbuf_fixed(room, sizeof(room));
	struct counters c = {};

	c.of[SPOOL_QUOTA_ID] = counter_of(&t[SPOOL_QUOTA_ID], id);
	if (source.n == 0)
		return c;
	c.of[SPOOL_QUOTA_SOURCE] = counter_of(&t[SPOOL_QUOTA_SOURCE], source);
	sbuf_add(&pair, id);
	sbuf_addc(&pair, '\0');
	sbuf_add(&pair, source);
	BUG(!sbuf_ok(&pair));
	c.of[SPOOL_QUOTA_SHARE] = counter_of(
		&t[SPOOL_QUOTA_SHARE], sbuf_str(&pair));
	/* Those that have no counter of their own have no share either. */
	if (c.of[SPOOL_QUOTA_SHARE] == &t[SPOOL_QUOTA_SHARE].others)
		c.of[SPOOL_QUOTA_SHARE] = NULL;
	return c;
}

static bool has_room(const struct table *t, const struct counter *c, uint64_t n)
{
	const struct spool_quota_limits *l = &t->limits;

	return c->reports < l->reports && c->bytes <= l->bytes &&
	       n <= l->bytes - c->bytes;
}

enum status spool_quota_take(struct spool_quota *q, struct mono now,
	struct str id, struct str source, uint64_t n,
	enum spool_quota_kind *which, int64_t *retry_s)
{
	struct counters c;

	new_hour(q, now);
	c = counters_of(q, id, source);
	for (int i = 0; i < SPOOL_QUOTA_KINDS; i++) {
		if (c.of[i] == NULL || has_room(&q->tables[i], c.of[i], n) ||
			(i == SPOOL_QUOTA_SHARE && c.of[i]->reports == 0))
			continue;
		*which = (enum spool_quota_kind)i;
		*retry_s = (q->hour.ms + HOUR_MS - now.ms) / 1000 + 1;
		return ST_LIMIT;
	}
	for (int i = 0; i < SPOOL_QUOTA_KINDS; i++)
		if (c.of[i] != NULL) {
			c.of[i]->reports++;
			c.of[i]->bytes += n;
		}
	return ST_OK;
}

void spool_quota_give_back(struct spool_quota *q, struct mono now,
	struct str id, struct str source, uint64_t n)
{
	struct counters c;

	new_hour(q, now);
	c = counters_of(q, id, source);
	for (int i = 0; i < SPOOL_QUOTA_KINDS; i++)
		if (c.of[i] != NULL)
			c.of[i]->bytes -= n < c.of[i]->bytes ? n
							     : c.of[i]->bytes;
}
