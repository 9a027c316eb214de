/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: SipHash-1-3 with a random key, so that strangers who choose what is
 * hashed cannot make a table slow.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct hash_key {
	uint64_t k0, k1;
};

/* A random key; aborts when the kernel has no random bytes. */
struct hash_key hash_key_new(void);

uint64_t hash_of(const struct hash_key *key, struct str s);
