/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "tests/testing.h"

#include "base/poison.h"

/*
 * SipHash-1-3 of 0, 1, 2, ... bytes 00 01 02 .., with the key 00 01 .. 0f. Made
 * by another implementation, which agrees with SipHash-2-4's published values.
 */
static void the_same_as_others_compute(void **state)
{
	static const struct hash_key key = { 0x0706050403020100u,
		0x0f0e0d0c0b0a0908u };
	static const uint64_t want[] = { 0xabac0158050fc4dcu,
		0xc9f49bf37d57ca93u, 0x82cb9b024dc7d44du, 0x8bf80ab8e7ddf7fbu,
		0xcf75576088d38328u, 0xdef9d52f49533b67u, 0xc50d2b50c59f22a7u,
		0xd3927d989bb11140u, 0x369095118d299a8eu, 0x25a48eb36c063de4u,
		0x79de85ee92ff097fu, 0x70c118c1f94dc352u, 0x78a384b157b4d9a2u,
		0x306f760c1229ffa7u, 0x605aa111c0f95d34u, 0xd320d86d2a519956u,
		0xcc4fdd1a7d908b66u, 0x9cf2689063dbd80cu };
	char in[sizeof(want) / sizeof(*want)];

	(void)state;
	for (size_t n = 0; n < sizeof(in); n++) {
		in[n] = (char)n;
		assert_true(hash_of(&key, (struct str){ in, n }) == want[n]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_as_others_compute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
