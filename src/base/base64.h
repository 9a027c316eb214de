/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64: binary as text: base64 and base64url (RFC 4648 sections 4 and 5), hex
 * in lower case.
 */
#pragma once

#include "base/arena.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

/* Writers. Standard base64 is padded; base64url and hex are not. */
void base64_write(struct sbuf *b, struct str bytes);
void base64url_write(struct sbuf *b, struct str bytes);
void hex_write(struct sbuf *b, struct str bytes);

/*
 * Readers: the whole input, strict (no white space, canonical padding; '=' may
 * be left out of base64url and must not be there). ST_INVALID on anything else,
 * ST_LIMIT when the arena is used up.
 */
enum status base64_parse(struct arena *a, struct str text, struct str *out);
enum status base64url_parse(struct arena *a, struct str text, struct str *out);
enum status hex_parse(struct arena *a, struct str text, struct str *out);
