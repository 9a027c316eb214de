/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_quota: counters per clock hour of the process. When the hour changes
 * both tables are emptied, which also is what keeps them small.
 */
#include "io/spool_quota.h"

#include "base/map.h"
#include "base/mem.h"

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

enum status spool_quota_take(struct spool_quota *q, struct mono now,
	struct str id, struct str source, uint64_t n,
	enum spool_quota_kind *which, int64_t *retry_s)
{
	struct counter *c[SPOOL_QUOTA_KINDS];

	new_hour(q, now);
	c[SPOOL_QUOTA_ID] = counter_of(&q->tables[SPOOL_QUOTA_ID], id);
	c[SPOOL_QUOTA_SOURCE] = counter_of(
		&q->tables[SPOOL_QUOTA_SOURCE], source);
	for (int i = 0; i < SPOOL_QUOTA_KINDS; i++) {
		const struct spool_quota_limits *l = &q->tables[i].limits;

		if (c[i]->reports < l->reports && c[i]->bytes <= l->bytes &&
			n <= l->bytes - c[i]->bytes)
			continue;
		*which = (enum spool_quota_kind)i;
		*retry_s = (q->hour.ms + HOUR_MS - now.ms) / 1000 + 1;
		return ST_LIMIT;
	}
	for (int i = 0; i < SPOOL_QUOTA_KINDS; i++) {
		c[i]->reports++;
		c[i]->bytes += n;
	}
	return ST_OK;
}

static void give_back(struct counter *c, uint64_t n)
{
	c->bytes -= n < c->bytes ? n : c->bytes;
}

void spool_quota_give_back(struct spool_quota *q, struct mono now,
	struct str id, struct str source, uint64_t n)
{
	new_hour(q, now);
	give_back(counter_of(&q->tables[SPOOL_QUOTA_ID], id), n);
	give_back(counter_of(&q->tables[SPOOL_QUOTA_SOURCE], source), n);
}
