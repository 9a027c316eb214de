/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answers: replies lie one behind the other in a ring, with a table of where.
 * A new one goes behind the newest, and the oldest go to make room; one that
 * was asked for since it was put gets another round (the clock algorithm). So
 * memory is what it is told to be, however long replies come and go, and what
 * is asked for lies close together.
 *
 * A domain is dropped without looking for its replies: each reply has the stamp
 * that its domain's slot had when it was put, and is good while it still has
 * it. Domains that share a slot are dropped together, which does no harm. While
 * nothing was dropped since a reply was last found good, stamps are not read.
 */
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bug.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "outbound/answers.h"
#include "proto/socketmap.h"

#include "base/poison.h"

#define SLOTS 4096u /* of domains; a power of two */
#define PLACES_MIN 1024u
#define UNIT 16u       /* entries begin at multiples of it */
#define LINE_BYTES 64u /* of the processor's caches */
#define ROUNDS_MAX 256 /* given to entries at a time */

struct entry {
	int64_t until_ms;
	uint32_t hash;
	uint32_t stamp; /* of its slot when it was put */
	uint32_t drops; /* how many there had been when it was found good */
	uint32_t reply_n;
	uint16_t request_n;
	uint16_t slot : 14;
	uint16_t used : 1; /* in this round */
	uint16_t gone : 1; /* no place leads to it */
	char bytes[];	   /* request, reply */
};

_Static_assert(SLOTS <= 1u << 14, "slot");
_Static_assert(SOCKETMAP_REQUEST_BYTES_MAX <= UINT16_MAX, "request_n");

/* Where an entry is; open addressing with linear probing. */
struct place {
	uint32_t hash;
	uint32_t unit; /* of the ring, from 1; 0: free */
};

struct answers {
	struct place *places;
	size_t n_places; /* a power of two; a quarter is free */
	char *ring;
	size_t n_ring;	   /* bytes */
	size_t head, tail; /* behind the newest; the oldest */
	size_t wrapped_at; /* entries from tail end here, others are below;
			      0: all lie from tail to head */
	size_t n_lying;	   /* entries in the ring, those gone too */
	struct hash_key key;
	uint32_t all;	/* how often all were dropped */
	uint32_t drops; /* how often anything was */
	struct answers_stats stats;
	uint32_t stamps[SLOTS];
};

struct answers *answers_new(size_t max_bytes)
{
	struct answers *a = mem_must(sizeof(*a));

	a->n_places = PLACES_MIN;
	a->places = mem_must(a->n_places * sizeof(*a->places));
	a->n_ring = max_bytes / UNIT * UNIT;
	BUG(a->n_ring / UNIT >= UINT32_MAX);
	/* Takes memory as it fills. */
	a->ring = mmap(NULL, a->n_ring, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	BUG(a->ring == MAP_FAILED);
	(void)madvise(a->ring, a->n_ring, MADV_HUGEPAGE); /* spares the TLB */
	a->key = hash_key_new();
	a->stats.max_bytes = max_bytes;
	return a;
}

void answers_free(struct answers **ap)
{
	struct answers *a = *ap;

	if (a == NULL)
		return;
	(void)munmap(a->ring, a->n_ring);
	mem_free(a->places);
	mem_free(a);
	*ap = NULL;
}

/* Both only ever grow, so that the sum is new whenever one is. */
static uint32_t stamp_of(const struct answers *a, uint32_t slot)
{
	return a->stamps[slot] + a->all;
}

static struct entry *entry_at(const struct answers *a, size_t at)
{
	return (struct entry *)(void *)(a->ring + at);
}

/* What it takes of the ring. */
static size_t cost(size_t request_n, size_t reply_n)
{
	size_t n = offsetof(struct entry, bytes) + request_n + reply_n;

	return (n + UNIT - 1) / UNIT * UNIT;
}

static size_t entry_cost(const struct entry *e)
{
	return cost(e->request_n, e->reply_n);
}

/* ---- places ---- */

static struct entry *entry_of(const struct answers *a, const struct place *p)
{
	return entry_at(a, (size_t)(p->unit - 1) * UNIT);
}

/* The place of a request, or the free one where it belongs. */
static struct place *find(
	const struct answers *a, struct str request, uint32_t hash)
{
	size_t i = hash & (a->n_places - 1);

	for (;; i = (i + 1) & (a->n_places - 1)) {
		struct place *p = &a->places[i];
		const struct entry *e;

		if (p->unit == 0)
			return p;
		if (p->hash != hash)
			continue;
		e = entry_of(a, p);
		/* The reply is wanted next. */
		__builtin_prefetch((const char *)e + LINE_BYTES);
		__builtin_prefetch((const char *)e + 2 * LINE_BYTES);
		if (e->request_n == request.n &&
			memcmp(e->bytes, request.p, request.n) == 0)
			return p;
	}
}

static void place_set(struct answers *a, struct place *p, const struct entry *e)
{
	size_t at = (size_t)((const char *)e - a->ring);

	*p = (struct place){ e->hash, (uint32_t)(at / UNIT) + 1 };
}

/* Those behind it that it pushed away move up. */
static void place_clear(struct answers *a, struct place *p)
{
	size_t mask = a->n_places - 1;
	size_t hole = (size_t)(p - a->places), i = hole;

	for (;;) {
		i = (i + 1) & mask;
		if (a->places[i].unit == 0)
			break;
		if (((i - a->places[i].hash) & mask) < ((i - hole) & mask))
			continue;
		a->places[hole] = a->places[i];
		hole = i;
	}
	a->places[hole].unit = 0;
}

static void grow(struct answers *a)
{
	struct place *old = a->places;
	size_t n_old = a->n_places;

	a->n_places *= 2;
	a->places = mem_must(a->n_places * sizeof(*a->places));
	for (size_t k = 0; k < n_old; k++) {
		size_t i = old[k].hash & (a->n_places - 1);

		if (old[k].unit == 0)
			continue;
		while (a->places[i].unit != 0)
			i = (i + 1) & (a->n_places - 1);
		a->places[i] = old[k];
	}
	mem_free(old);
}

/* ---- the ring ---- */

/* n bytes behind the newest; NULL: something has to go first. */
static struct entry *ring_add(struct answers *a, size_t n)
{
	struct entry *e;

	if (a->wrapped_at == 0 && a->n_ring - a->head < n && a->tail >= n) {
		a->wrapped_at = a->head;
		a->head = 0;
	}
	if ((a->wrapped_at == 0 ? a->n_ring : a->tail) - a->head < n)
		return NULL;
	e = entry_at(a, a->head);
	a->head += n;
	a->n_lying++;
	return e;
}

/* The oldest, of n bytes, lies there no longer. */
static void ring_take(struct answers *a, size_t n)
{
	a->tail += n;
	if (a->tail == a->wrapped_at)
		a->tail = a->wrapped_at = 0;
	if (--a->n_lying == 0)
		a->head = a->tail = a->wrapped_at = 0;
}

/* It lies there until it is the oldest. */
static void let_go(struct answers *a, struct place *p)
{
	struct entry *e = entry_of(a, p);

	e->gone = true;
	a->stats.entries--;
	a->stats.bytes -= entry_cost(e);
	place_clear(a, p);
}

/* The oldest goes, or goes another round if it may. */
static void advance(struct answers *a, bool another)
{
	struct entry *e = entry_at(a, a->tail), *to = NULL;
	size_t n = entry_cost(e);
	struct place *p;

	ring_take(a, n);
	if (e->gone)
		return;
	p = find(a, (struct str){ e->bytes, e->request_n }, e->hash);
	if (another && e->used && e->stamp == stamp_of(a, e->slot))
		to = ring_add(a, n);
	if (to == NULL) {
		let_go(a, p);
		a->stats.evicted++;
		return;
	}
	memmove(to, e, n);
	to->used = false;
	place_set(a, p, to);
}

/* ---- answers ---- */

struct str answers_get(struct answers *a, struct str request, struct mono now)
{
	const struct place *p = find(
		a, request, (uint32_t)hash_of(&a->key, request));
	struct entry *e;

	if (p->unit == 0)
		return (struct str){};
	e = entry_of(a, p);
	if (e->until_ms <= now.ms)
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

/* An entry at the newest end of the ring. */
static struct entry *entry_new(
	struct answers *a, struct str request, struct str reply)
{
	size_t n = cost(request.n, reply.n + NETSTRING_EXTRA_MAX);
	struct entry *e;
	struct sbuf b;

	for (int i = 0; (e = ring_add(a, n)) == NULL; i++)
		advance(a, i < ROUNDS_MAX);
	*e = (struct entry){ .request_n = (uint16_t)request.n };
	memcpy(e->bytes, request.p, request.n);
	b = sbuf_fixed(e->bytes + request.n, reply.n + NETSTRING_EXTRA_MAX);
	netstring_write(&b, reply);
	BUG(!sbuf_ok(&b));
	e->reply_n = (uint32_t)b.n;
	a->head -= n - entry_cost(e);
	return e;
}

void answers_put(struct answers *a, struct str request, struct str domain,
	struct str reply, struct mono until)
{
	uint32_t hash = (uint32_t)hash_of(&a->key, request);
	struct place *p = find(a, request, hash);
	struct entry *e;

	if (p->unit != 0)
		let_go(a, p);
	if (request.n > SOCKETMAP_REQUEST_BYTES_MAX ||
		request.n + reply.n > a->stats.max_bytes / 16)
		return;
	e = entry_new(a, request, reply);
	e->hash = hash;
	e->until_ms = until.ms;
	e->slot = hash_of(&a->key, domain) & (SLOTS - 1);
	e->stamp = stamp_of(a, e->slot);
	e->drops = a->drops;
	if (a->stats.entries >= a->n_places / 4 * 3)
		grow(a);
	place_set(a, find(a, request, hash), e);
	a->stats.entries++;
	a->stats.bytes += entry_cost(e);
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
