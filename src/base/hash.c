/* SPDX-License-Identifier: Apache-2.0 */
/* hash: SipHash-1-3, which is what hash tables need of it. */
#include <string.h>
#include <sys/random.h>

#include "base/bug.h"
#include "base/hash.h"

#include "base/poison.h"

struct hash_key hash_key_new(void)
{
	struct hash_key key;

	BUG(getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key));
	return key;
}

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

uint64_t hash_of(const struct hash_key *key, struct str s)
{
	uint64_t v[4] = { key->k0 ^ 0x736f6d6570736575u,
		key->k1 ^ 0x646f72616e646f6du, key->k0 ^ 0x6c7967656e657261u,
		key->k1 ^ 0x7465646279746573u };
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
