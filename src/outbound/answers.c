/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answers: a hash table with chains, and a hand that goes round its buckets to
 * evict what was not asked for since it last came by (the clock algorithm).
 *
 * A domain is dropped without looking for its replies: each reply has the stamp
 * that its domain's slot had when it was put, and is good while it still has
 * it. Domains that share a slot are dropped together, which does no harm. While
 * nothing was dropped since a reply was last found good, stamps are not read.
 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "outbound/answers.h"
#include "proto/socketmap.h"

#include "base/poison.h"

#define SLOTS 4096u /* of domains; a power of two */
#define BUCKETS_MIN 1024u
#define LINE_BYTES 64u /* of the processor's caches */
#define ALLOCATOR_BYTES 16u

struct entry {
	struct entry *next; /* in its bucket */
	int64_t until_ms;
	uint32_t hash;
	uint32_t stamp; /* of its slot when it was put */
	uint32_t drops; /* how many there had been when it was found good */
	uint32_t reply_n;
	uint16_t request_n;
	uint16_t slot : 15;
	uint16_t used : 1; /* since the hand came by */
	char bytes[];	   /* request, reply */
};

_Static_assert(SLOTS <= 1u << 15, "slot");
_Static_assert(SOCKETMAP_REQUEST_BYTES_MAX <= UINT16_MAX, "request_n");

struct answers {
	struct entry **buckets;
	size_t n_buckets; /* a power of two */
	size_t hand;
	struct hash_key key;
	uint32_t all;	/* how often all were dropped */
	uint32_t drops; /* how often anything was */
	struct answers_stats stats;
	uint32_t stamps[SLOTS];
};

struct answers *answers_new(size_t max_bytes)
{
	struct answers *a = mem_must(sizeof(*a));

	a->n_buckets = BUCKETS_MIN;
	a->buckets = mem_must(a->n_buckets * sizeof(struct entry *));
	a->key = hash_key_new();
	a->stats.max_bytes = max_bytes;
	return a;
}

static size_t cost(const struct entry *e)
{
	return sizeof(*e) + e->request_n + e->reply_n + ALLOCATOR_BYTES;
}

static void remove_entry(struct answers *a, struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	a->stats.entries--;
	a->stats.bytes -= cost(e);
	mem_free(e);
}

void answers_free(struct answers **ap)
{
	struct answers *a = *ap;

	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n_buckets; i++)
		while (a->buckets[i] != NULL)
			remove_entry(a, &a->buckets[i]);
	mem_free(a->buckets);
	mem_free(a);
	*ap = NULL;
}

/* Both only ever grow, so that the sum is new whenever one is. */
static uint32_t stamp_of(const struct answers *a, uint32_t slot)
{
	return a->stamps[slot] + a->all;
}

static struct entry **bucket_of(const struct answers *a, uint32_t hash)
{
	return &a->buckets[hash & (a->n_buckets - 1)];
}

static struct entry **find(
	const struct answers *a, struct str request, uint32_t hash)
{
	struct entry **at = bucket_of(a, hash);

	for (; *at != NULL; at = &(*at)->next) {
		const struct entry *e = *at;

		/* The reply is wanted next. */
		__builtin_prefetch((const char *)e + LINE_BYTES);
		__builtin_prefetch((const char *)e + 2 * LINE_BYTES);
		if (e->hash == hash && e->request_n == request.n &&
			memcmp(e->bytes, request.p, request.n) == 0)
			break;
	}
	return at;
}

struct str answers_get(struct answers *a, struct str request, struct mono now)
{
	struct entry *e = *find(
		a, request, (uint32_t)hash_of(&a->key, request));

	if (e == NULL || e->until_ms <= now.ms)
		return (struct str){};
	if (e->drops != a->drops) {
		if (e->stamp != stamp_of(a, e->slot))
			return (struct str){};
		e->drops = a->drops;
	}
	if (!e->used)
		e->used = true;
	return (struct str){ e->bytes + e->request_n, e->reply_n };
}

/* One bucket further: what was not used goes, the rest gets another round. */
static void advance_hand(struct answers *a)
{
	struct entry **at = &a->buckets[a->hand];

	while (*at != NULL) {
		if (!(*at)->used || (*at)->stamp != stamp_of(a, (*at)->slot)) {
			remove_entry(a, at);
			a->stats.evicted++;
		} else {
			(*at)->used = false;
			at = &(*at)->next;
		}
	}
	a->hand = (a->hand + 1) & (a->n_buckets - 1);
}

static struct entry *entry_new(struct str request, struct str reply)
{
	size_t n = sizeof(struct entry) + request.n + reply.n +
		   NETSTRING_EXTRA_MAX;
	char *bytes = mem_must(n);
	struct entry *e = (struct entry *)(void *)bytes;
	struct sbuf b;

	memcpy(e->bytes, request.p, request.n);
	e->request_n = (uint16_t)request.n;
	b = sbuf_fixed(e->bytes + request.n, n - sizeof(*e) - request.n);
	netstring_write(&b, reply);
	e->reply_n = (uint32_t)b.n;
	return e;
}

static void grow(struct answers *a)
{
	struct entry **old = a->buckets;
	size_t n_old = a->n_buckets;

	a->n_buckets *= 2;
	a->buckets = mem_must(a->n_buckets * sizeof(struct entry *));
	for (size_t i = 0; i < n_old; i++) {
		struct entry *e = old[i], *next;

		for (; e != NULL; e = next) {
			struct entry **at = bucket_of(a, e->hash);

			next = e->next;
			e->next = *at;
			*at = e;
		}
	}
	mem_free(old);
}

void answers_put(struct answers *a, struct str request, struct str domain,
	struct str reply, struct mono until)
{
	uint32_t hash = (uint32_t)hash_of(&a->key, request);
	struct entry **at = find(a, request, hash), *e;

	if (*at != NULL)
		remove_entry(a, at);
	if (request.n > SOCKETMAP_REQUEST_BYTES_MAX ||
		request.n + reply.n > a->stats.max_bytes / 16)
		return;
	e = entry_new(request, reply);
	e->hash = hash;
	e->until_ms = until.ms;
	e->slot = hash_of(&a->key, domain) & (SLOTS - 1);
	e->stamp = stamp_of(a, e->slot);
	e->drops = a->drops;
	while (a->stats.bytes + cost(e) > a->stats.max_bytes)
		advance_hand(a);
	if (a->stats.entries == a->n_buckets)
		grow(a);
	at = bucket_of(a, hash);
	e->next = *at;
	*at = e;
	a->stats.entries++;
	a->stats.bytes += cost(e);
}

void answers_drop(struct answers *a, struct str domain)
{
	a->drops++;
	if (domain.n == 0)
		a->all++;
	else
		a->stamps[hash_of(&a->key, domain) & (SLOTS - 1)]++;
}

void answers_stats(const struct answers *a, struct answers_stats *out)
{
	*out = a->stats;
}
