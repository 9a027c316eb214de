/* SPDX-License-Identifier: Apache-2.0 */
/* dns_rrl: token buckets in a set-associative table. */
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "proto/dns_rrl.h"

#include "base/poison.h"

#define MILLI 1000
#define ENTRIES_MAX (1u << 24)

struct bucket {
	struct ip_addr net;
	int64_t at_ms;	/* when tokens was right */
	int64_t tokens; /* thousandths of an answer */
	uint32_t limited;
	uint8_t kind;
	bool used;
};

struct dns_rrl {
	struct bucket *buckets;
	size_t sets; /* a power of two */
	int64_t rate;
	uint32_t slip;
	uint64_t seed[2];
};

struct dns_rrl *dns_rrl_new(
	size_t entries, uint32_t rate, uint32_t slip, const uint64_t seed[2])
{
	struct dns_rrl *r;

	BUG(rate == 0 || entries > ENTRIES_MAX);
	r = mem_alloc(sizeof(*r));
	if (r == NULL)
		return NULL;
	*r = (struct dns_rrl){ .sets = 1, .rate = rate, .slip = slip };
	memcpy(r->seed, seed, sizeof(r->seed));
	while (r->sets * DNS_RRL_WAYS < entries)
		r->sets *= 2;
	r->buckets = mem_alloc(r->sets * DNS_RRL_WAYS * sizeof(*r->buckets));
	if (r->buckets == NULL)
		dns_rrl_free(&r);
	return r;
}

void dns_rrl_free(struct dns_rrl **r)
{
	if (*r == NULL)
		return;
	mem_free((*r)->buckets);
	mem_free(*r);
	*r = NULL;
}

/* Folds the 128-bit product of a and b, the mixing step of wyhash. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static struct bucket *find_set(
	const struct dns_rrl *r, const struct ip_addr *net, uint8_t kind)
{
	uint64_t half[2], h;

	memcpy(half, net->b, sizeof(half));
	h = mix(half[0] ^ r->seed[0], half[1] ^ r->seed[1]);
	h = mix(h ^ kind, r->seed[0] | 1);
	return r->buckets + (h & (r->sets - 1)) * DNS_RRL_WAYS;
}

/* The network's bucket; a new one takes the place of the one idle longest. */
static struct bucket *find(struct dns_rrl *r, const struct ip_addr *net,
	uint8_t kind, int64_t now_ms)
{
	struct bucket *set = find_set(r, net, kind), *oldest = set;

	for (size_t i = 0; i < DNS_RRL_WAYS; i++) {
		struct bucket *b = &set[i];

		if (b->used && b->kind == kind &&
			memcmp(b->net.b, net->b, sizeof(net->b)) == 0)
			return b;
		if (!b->used || (oldest->used && b->at_ms < oldest->at_ms))
			oldest = b;
	}
	*oldest = (struct bucket){ .net = *net,
		.kind = kind,
		.used = true,
		.at_ms = now_ms,
		.tokens = r->rate * MILLI };
	return oldest;
}

static void refill(const struct dns_rrl *r, struct bucket *b, int64_t now_ms)
{
	int64_t passed = now_ms - b->at_ms;

	if (passed <= 0)
		return;
	b->at_ms = now_ms;
	/* rate per second is rate thousandths per millisecond. */
	if (passed >= MILLI)
		b->tokens = r->rate * MILLI;
	else
		b->tokens += passed * r->rate;
	if (b->tokens > r->rate * MILLI)
		b->tokens = r->rate * MILLI;
}

enum dns_rrl_verdict dns_rrl_check(struct dns_rrl *r,
	const struct ip_addr *peer, enum dns_answer_kind kind, struct mono now)
{
	struct ip_addr net = ip_addr_prefix(
		peer, ip_addr_is_v4(peer) ? DNS_RRL_V4_BITS : DNS_RRL_V6_BITS);
	struct bucket *b = find(r, &net, (uint8_t)kind, now.ms);

	refill(r, b, now.ms);
	if (b->tokens >= MILLI) {
		b->tokens -= MILLI;
		return DNS_RRL_SEND;
	}
	b->limited++;
	if (kind == DNS_ANSWER_ERROR || r->slip == 0 ||
		b->limited % r->slip != 0)
		return DNS_RRL_DROP;
	return DNS_RRL_SLIP;
}
