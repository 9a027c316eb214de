/* SPDX-License-Identifier: Apache-2.0 */
/* label: ten random bytes as text. */
#include "hosting/label.h"

#include "io/crypto.h"

#include "base/poison.h"

#define RANDOM_BYTES 10

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

struct str label_new(struct arena *a)
{
	unsigned char raw[RANDOM_BYTES];
	char text[LABEL_CHARS];
	uint64_t bits = 0;
	size_t n = 0, held = 0;

	crypto_random(raw, sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++) {
		bits = bits << 8 | raw[i];
		for (held += 8; held >= 5; held -= 5)
			text[n++] = digits[bits >> (held - 5) & 31];
	}
	return arena_str(a, (struct str){ text, n });
}
