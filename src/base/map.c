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
	return slot_find(m, key, hash_of(&m->hash_key, key))->value;
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint64_t h = hash_of(&m->hash_key, key);
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
	struct slot *s = slot_find(m, key, hash_of(&m->hash_key, key));
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
