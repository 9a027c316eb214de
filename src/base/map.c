/* SPDX-License-Identifier: Apache-2.0 */
/* map: open addressing with linear probing and tombstones. */
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"

#include "base/poison.h"

#define MIN_SLOTS 16u

struct slot {
	char *key; /* NULL: never used */
	size_t key_n;
	uint64_t hash;
	void *value; /* NULL with a key: a tombstone */
};

struct map {
	struct slot *slots;
	size_t n_slots; /* a power of two */
	size_t n_live;
	size_t n_used; /* live and tombstones */
	uint64_t k0, k1;
};

static uint64_t rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3, which is what hash tables need of it. */
static uint64_t sip_hash(const struct map *m, struct str s)
{
	uint64_t v[4] = { m->k0 ^ 0x736f6d6570736575u,
		m->k1 ^ 0x646f72616e646f6du, m->k0 ^ 0x6c7967656e657261u,
		m->k1 ^ 0x7465646279746573u };
	size_t i = 0;
	uint64_t w;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&w, s.p + i, 8);
		v[3] ^= w;
		sip_round(v);
		v[0] ^= w;
	}
	w = (uint64_t)s.n << 56;
	for (size_t j = 0; i + j < s.n; j++)
		w |= (uint64_t)(unsigned char)s.p[i + j] << (8 * j);
	v[3] ^= w;
	sip_round(v);
	v[0] ^= w;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *map_new(void)
{
	struct map *m = mem_must(sizeof(*m));
	uint64_t k[2];

	BUG(getrandom(k, sizeof(k), 0) != (ssize_t)sizeof(k));
	m->k0 = k[0];
	m->k1 = k[1];
	m->n_slots = MIN_SLOTS;
	m->slots = mem_must(m->n_slots * sizeof(*m->slots));
	return m;
}

void map_free(struct map **m)
{
	if (*m == NULL)
		return;
	for (size_t i = 0; i < (*m)->n_slots; i++)
		mem_free((*m)->slots[i].key);
	mem_free((*m)->slots);
	mem_free(*m);
	*m = NULL;
}

/* The slot of key, or the first never-used slot on its way. */
static struct slot *slot_find(const struct map *m, struct str key, uint64_t h)
{
	size_t i = h & (m->n_slots - 1);

	for (;;) {
		struct slot *s = &m->slots[i];

		if (s->key == NULL)
			return s;
		if (s->hash == h && s->value != NULL && s->key_n == key.n &&
			(key.n == 0 || memcmp(s->key, key.p, key.n) == 0))
			return s;
		i = (i + 1) & (m->n_slots - 1);
	}
}

static void rehash(struct map *m)
{
	struct slot *old = m->slots;
	size_t n_old = m->n_slots;

	while (m->n_slots < m->n_live * 4)
		m->n_slots *= 2;
	m->slots = mem_must(m->n_slots * sizeof(*m->slots));
	m->n_used = m->n_live;
	for (size_t i = 0; i < n_old; i++) {
		struct str key = { old[i].key, old[i].key_n };

		if (old[i].value != NULL)
			*slot_find(m, key, old[i].hash) = old[i];
		else
			mem_free(old[i].key);
	}
	mem_free(old);
}

void *map_get(const struct map *m, struct str key)
{
	return slot_find(m, key, sip_hash(m, key))->value;
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint64_t h = sip_hash(m, key);
	struct slot *s;
	void *old;

	BUG(value == NULL);
	if ((m->n_used + 1) * 2 > m->n_slots)
		rehash(m);
	s = slot_find(m, key, h);
	old = s->value;
	if (s->key == NULL) {
		s->key = mem_must(key.n + 1);
		if (key.n > 0)
			memcpy(s->key, key.p, key.n);
		s->key_n = key.n;
		s->hash = h;
		m->n_live++;
		m->n_used++;
	}
	s->value = value;
	return old;
}

void *map_take(struct map *m, struct str key)
{
	struct slot *s = slot_find(m, key, sip_hash(m, key));
	void *value = s->value;

	if (value == NULL)
		return NULL;
	s->value = NULL;
	m->n_live--;
	return value;
}

size_t map_count(const struct map *m)
{
	return m->n_live;
}

bool map_next(const struct map *m, size_t *at, struct str *key, void **value)
{
	while (*at < m->n_slots) {
		const struct slot *s = &m->slots[(*at)++];

		if (s->value == NULL)
			continue;
		*key = (struct str){ s->key, s->key_n };
		*value = s->value;
		return true;
	}
	return false;
}
