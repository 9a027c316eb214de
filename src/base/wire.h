/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: cursors over binary formats, big-endian, with a sticky error: after the
 * first read or write that does not fit, all later ones give zero or do
 * nothing. Parsers and writers are straight lines that check once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

struct wire_in {
	const unsigned char *p;
	size_t n;  /* bytes in all */
	size_t at; /* bytes read */
	bool failed;
};

struct wire_in wire_in_of(struct str s);
uint8_t wire_u8(struct wire_in *in);
uint16_t wire_u16(struct wire_in *in);
uint32_t wire_u32(struct wire_in *in);
uint64_t wire_u64(struct wire_in *in);
/* n bytes, borrowed from the input; empty after an error. */
struct str wire_bytes(struct wire_in *in, size_t n);
/* A 32-bit length and that many bytes, as wire_put_str writes them. */
struct str wire_str(struct wire_in *in);
/*
 * A 32-bit count into *n and an array for so many of size bytes into *items (a
 * pointer to a pointer), in a. Each takes at least min bytes of the input, so
 * that a false count cannot ask for more memory than the input is long.
 * ST_INVALID: it is false; ST_LIMIT: the arena is full.
 */
enum status wire_array(struct wire_in *in, struct arena *a, size_t min,
	size_t size, void *items, size_t *n);
/* Texts, borrowed from the input, as wire_put_strs writes them; as above. */
enum status wire_strs(
	struct wire_in *in, struct arena *a, struct str **items, size_t *n);
size_t wire_left(const struct wire_in *in);
/* true if nothing failed; wire_done also wants the input used up. */
bool wire_ok(const struct wire_in *in);
bool wire_done(const struct wire_in *in);

struct wire_out {
	unsigned char *p;
	size_t cap;
	size_t n; /* bytes written */
	bool failed;
};

struct wire_out wire_out_of(void *p, size_t cap);
void wire_put_u8(struct wire_out *out, uint8_t v);
void wire_put_u16(struct wire_out *out, uint16_t v);
void wire_put_u32(struct wire_out *out, uint32_t v);
void wire_put_u64(struct wire_out *out, uint64_t v);
void wire_put_bytes(struct wire_out *out, struct str s);
void wire_put_str(struct wire_out *out, struct str s);
/* A 32-bit count and the texts. */
void wire_put_strs(struct wire_out *out, const struct str *items, size_t n);
/* Overwrites two bytes already written at offset at (counts, lengths). */
void wire_patch_u16(struct wire_out *out, size_t at, uint16_t v);
struct str wire_out_str(const struct wire_out *out);
