/* SPDX-License-Identifier: Apache-2.0 */
/* map: open addressing with linear probing and tombstones. */
#include <stdint.h>
#include <string.h>

#include "base/bug.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

#include "base/poison.h"

#define MIN_SLOTS 16u

struct slot {
	char *key;
	void *value;   /* NULL: free; with a hash it is a tombstone */
	uint32_t hash; /* 0: never used */
	uint32_t key_n;
};

struct map {
	struct slot *slots;
	size_t n_slots; /* a power of two */
	size_t n_live;
	size_t n_used; /* live and tombstones */
	struct hash_key hash_key;
};

struct map *map_new(void)
{
	struct map *m = mem_must(sizeof(*m));

	m->hash_key = hash_key_new();
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

static uint32_t hash_in(const struct map *m, struct str key)
{
	uint32_t h = (uint32_t)hash_of(&m->hash_key, key);

	return h == 0 ? 1 : h;
}

/* The slot of key, or the first never-used slot on its way. */
static struct slot *slot_find(const struct map *m, struct str key, uint32_t h)
{
	size_t i = h & (m->n_slots - 1);

	for (;;) {
		struct slot *s = &m->slots[i];

		if (s->hash == 0)
			return s;
		if (s->hash == h && s->value != NULL && s->key_n == key.n &&
			(key.n == 0 || memcmp(s->key, key.p, key.n) == 0))
			return s;
		i = (i + 1) & (m->n_slots - 1);
	}
}

/* Three quarters are used: tombstones go; if they are few, there is more room.
 */
static void rehash(struct map *m)
{
	struct slot *old = m->slots;
	size_t n_old = m->n_slots;

	if (m->n_live > n_old / 8 * 5)
		m->n_slots *= 2;
	BUG(m->n_slots > UINT32_MAX);
	m->slots = mem_must(m->n_slots * sizeof(*m->slots));
	m->n_used = m->n_live;
	for (size_t i = 0; i < n_old; i++) {
		struct str key = { old[i].key, old[i].key_n };

		if (old[i].value != NULL)
			*slot_find(m, key, old[i].hash) = old[i];
	}
	mem_free(old);
}

void *map_get(const struct map *m, struct str key)
{
	return slot_find(m, key, hash_in(m, key))->value;
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint32_t h = hash_in(m, key);
	struct slot *s;
	void *old;

	BUG(value == NULL || key.n > UINT32_MAX);
	if (m->n_used >= m->n_slots / 4 * 3)
		rehash(m);
	s = slot_find(m, key, h);
	old = s->value;
	if (s->hash == 0) {
		s->key = mem_must(key.n + 1);
		if (key.n > 0)
			memcpy(s->key, key.p, key.n);
		s->key_n = (uint32_t)key.n;
		s->hash = h;
		m->n_live++;
		m->n_used++;
	}
	s->value = value;
	return old;
}

void *map_take(struct map *m, struct str key)
{
	struct slot *s = slot_find(m, key, hash_in(m, key));
	void *value = s->value;

	if (value == NULL)
		return NULL;
	mem_free(s->key);
	s->key = NULL;
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
