/* SPDX-License-Identifier: Apache-2.0 */
/* arena: a chain of blocks, each twice the last up to BLOCK_MAX. */
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/bug.h"
#include "base/mem.h"

#include "base/poison.h"

#define BLOCK_MIN 2048u
#define BLOCK_MAX (256u * 1024u)
#define ALIGN alignof(max_align_t)

struct block {
	struct block *next;
	size_t cap;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *head;
	size_t max_bytes;
	size_t used;
	bool full;
};

struct arena *arena_new(size_t max_bytes)
{
	struct arena *a = mem_alloc(sizeof(*a));

	if (a != NULL)
		a->max_bytes = max_bytes;
	return a;
}

struct arena *arena_must(size_t max_bytes)
{
	struct arena *a = arena_new(max_bytes);

	BUG(a == NULL);
	return a;
}

static void blocks_free(struct block *b)
{
	while (b != NULL) {
		struct block *next = b->next;

		mem_free(b);
		b = next;
	}
}

void arena_free(struct arena **a)
{
	if (*a == NULL)
		return;
	blocks_free((*a)->head);
	mem_free(*a);
	*a = NULL;
}

void arena_reset(struct arena *a)
{
	struct block *b = a->head;

	a->used = 0;
	a->full = false;
	if (b == NULL)
		return;
	blocks_free(b->next);
	b->next = NULL;
	memset(b->bytes, 0, b->used);
	b->used = 0;
}

static struct block *block_add(struct arena *a, size_t need)
{
	size_t cap = a->head == NULL ? BLOCK_MIN : a->head->cap * 2;
	struct block *b;

	if (cap > BLOCK_MAX)
		cap = BLOCK_MAX;
	if (cap < need)
		cap = need;
	b = mem_alloc(sizeof(*b) + cap);
	if (b == NULL)
		return NULL;
	b->cap = cap;
	b->next = a->head;
	a->head = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct block *b = a->head;
	size_t need;
	void *p;

	if (n == 0)
		n = 1;
	if (n > PTRDIFF_MAX) /* so that no sum below overflows */
		return NULL;
	need = n + ALIGN - 1;
	need -= need % ALIGN;
	if (a->max_bytes > 0 && need > a->max_bytes - a->used) {
		a->full = true;
		return NULL;
	}
	if (b == NULL || need > b->cap - b->used) {
		b = block_add(a, need);
		if (b == NULL)
			return NULL;
	}
	p = b->bytes + b->used;
	b->used += need;
	a->used += need;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return arena_alloc(a, bytes);
}

bool arena_full(const struct arena *a)
{
	return a->full;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = NULL;

	if (s.n < SIZE_MAX)
		p = arena_alloc(a, s.n + 1);
	if (p == NULL)
		return (struct str){};
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

struct str arena_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return (struct str){};
	p = arena_alloc(a, (size_t)n + 1);
	if (p == NULL)
		return (struct str){};
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct str){ p, (size_t)n };
}
