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
/* Overwrites two bytes already written at offset at (counts, lengths). */
void wire_patch_u16(struct wire_out *out, size_t at, uint16_t v);
struct str wire_out_str(const struct wire_out *out);
