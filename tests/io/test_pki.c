/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "io/pki.h"

#include "base/poison.h"

#define NOW ((struct unix_time){ 1795000000 })
#define LATER ((struct unix_time){ 1795000000 + 90 * UTC_DAY_S })

static struct pki_key *make_key(enum pki_key_type type)
{
	struct pki_key *k = NULL;
	struct err e = {};

	assert_int_equal(pki_key_generate(type, &k, &e), ST_OK);
	return k;
}

static void keys_survive_their_compact_form(void **state)
{
	enum pki_key_type types[] = { PKI_P256, PKI_RSA2048 };
	unsigned char buf[PKI_KEY_MAX], sig[PKI_SIG_MAX];
	struct pki_key *k, *back;
	size_t n = 0, sig_n = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		k = make_key(types[i]);
		back = NULL;
		assert_int_equal(pki_key_write(k, buf, 20, &n), ST_LIMIT);
		assert_int_equal(pki_key_write(k, buf, sizeof(buf), &n), ST_OK);
		assert_int_equal(
			pki_key_read((struct str){ (char *)buf, n }, &back),
			ST_OK);
		assert_int_equal(
			pki_sign(back, STR("data"), sig, sizeof(sig), &sig_n),
			ST_OK);
		assert_int_equal(sig_n, i == 0 ? 64 : 256);
		assert_true(pki_sign_check(
			k, STR("data"), (struct str){ (char *)sig, sig_n }));
		assert_false(pki_sign_check(
			k, STR("Data"), (struct str){ (char *)sig, sig_n }));
		for (size_t cut = 0; cut < n; cut += 7) {
			struct pki_key *no = NULL;

			assert_int_equal(
				pki_key_read(
					(struct str){ (char *)buf, cut }, &no),
				ST_INVALID);
		}
		pki_key_free(&back);
		pki_key_free(&k);
	}
}

static void local_ca_issues_what_verifies(void **state)
{
	struct pki_key *ca_key = make_key(PKI_P256), *key = make_key(PKI_P256);
	struct arena *a = arena_must(0);
	struct pki_cert *ca = NULL, *leaf = NULL, *again = NULL;
	struct str names[] = { STR("mta-sts.example.com"), STR("*.wild.test") };
	struct pki_facts f;
	struct err e = {};

	(void)state;
	assert_int_equal(
		pki_ca_root(ca_key, STR("Trial CA"), NOW, LATER, &ca, &e),
		ST_OK);
	assert_int_equal(
		pki_ca_issue(ca, ca_key, key, names, 2, NOW, LATER, &leaf, &e),
		ST_OK);
	assert_int_equal(
		pki_cert_parse(pki_cert_der(leaf, a), &again, &e), ST_OK);
	assert_int_equal(pki_cert_facts(again, a, &f, &e), ST_OK);
	assert_int_equal(f.not_before.s, NOW.s);
	assert_int_equal(f.not_after.s, LATER.s);
	assert_str(f.issuer, "CN=Trial CA");
	assert_int_equal(f.authority_key.n, 20);
	assert_int_equal(f.serial.n, 16);
	assert_int_equal(X509_check_ca(pki_cert_x509(again)), 0);
	assert_true(pki_cert_has_key(again, key));
	assert_false(pki_cert_has_key(again, ca_key));
	assert_true(pki_cert_covers(again, STR("mta-sts.example.com")));
	assert_true(pki_cert_covers(again, STR("a.wild.test")));
	assert_false(pki_cert_covers(again, STR("a.b.wild.test")));
	assert_false(pki_cert_covers(again, STR("Trial CA")));
	assert_false(pki_cert_covers(again, STR("")));
	pki_cert_free(&again);
	pki_cert_free(&leaf);
	pki_cert_free(&ca);
	pki_key_free(&key);
	pki_key_free(&ca_key);
	arena_free(&a);
}

/* Writes text to a temporary file whose name goes into path. */
static void write_file(char *path, struct str text)
{
	FILE *f;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	assert_int_equal(fclose(f), 0);
}

static void chains_verify_by_host_time_and_anchor(void **state)
{
	struct pki_key *ca_key = make_key(PKI_P256), *key = make_key(PKI_P256);
	struct arena *a = arena_must(0);
	struct pki_cert *ca = NULL, *leaf = NULL;
	struct str host = STR("mta-sts.example.com");
	struct str ders[2], *back = NULL;
	char path[] = "/tmp/moat-test-XXXXXX";
	struct sbuf pem = sbuf_arena(a, 1u << 16);
	struct err e = {};
	size_t n = 0;

	(void)state;
	assert_int_equal(
		pki_ca_root(ca_key, STR("Trial CA"), NOW, LATER, &ca, &e),
		ST_OK);
	assert_int_equal(
		pki_ca_issue(ca, ca_key, key, &host, 1, NOW, LATER, &leaf, &e),
		ST_OK);
	ders[0] = pki_cert_der(leaf, a);
	ders[1] = pki_cert_der(ca, a);
	pki_chain_write_pem(&pem, ders, 2);
	assert_true(sbuf_ok(&pem));
	assert_int_equal(
		pki_chain_read_pem(a, sbuf_str(&pem), &back, &n, &e), ST_OK);
	assert_int_equal(n, 2);
	assert_true(str_eq(back[1], ders[1]));
	/* Broken in the middle, or nothing at all. */
	assert_int_equal(
		pki_chain_read_pem(
			a, str_upto(sbuf_str(&pem), pem.n - 40), &back, &n, &e),
		ST_INVALID);
	assert_int_equal(
		pki_chain_read_pem(a, STR("hello"), &back, &n, &e), ST_INVALID);

	write_file(path, sbuf_str(&pem));
	assert_int_equal(pki_chain_verify(ders, 1, host, path, NOW, &e), ST_OK);
	assert_int_equal(
		pki_chain_verify(ders, 1, STR("other.example"), path, NOW, &e),
		ST_INVALID);
	assert_int_equal(pki_chain_verify(ders, 1, host, path,
				 (struct unix_time){ LATER.s + 1 }, &e),
		ST_INVALID);
	assert_int_equal(
		pki_chain_verify(ders, 1, host, NULL, NOW, &e), ST_INVALID);
	assert_int_equal(
		pki_chain_verify(ders, 1, host, "/nonexistent", NOW, &e),
		ST_PERM);
	(void)unlink(path);
	pki_cert_free(&leaf);
	pki_cert_free(&ca);
	pki_key_free(&key);
	pki_key_free(&ca_key);
	arena_free(&a);
}

static void alpn_certificate_carries_the_proof(void **state)
{
	/* OID 1.3.6.1.5.5.7.1.31, critical, OCTET STRING in OCTET STRING */
	static const char ext[] = "\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x1f"
				  "\x01\x01\xff\x04\x22\x04\x20";
	struct pki_key *k = make_key(PKI_P256);
	struct arena *a = arena_must(0);
	unsigned char hash[PKI_HASH_BYTES];
	struct pki_cert *c = NULL;
	struct err e = {};
	struct str der;
	char *at;

	(void)state;
	memset(hash, 0x5a, sizeof(hash));
	assert_int_equal(
		pki_alpn_cert(k, STR("mta-sts.a.test"), hash, NOW, &c, &e),
		ST_OK);
	assert_true(pki_cert_covers(c, STR("mta-sts.a.test")));
	der = pki_cert_der(c, a);
	at = memmem(der.p, der.n, ext, sizeof(ext) - 1);
	assert_non_null(at);
	assert_memory_equal(at + sizeof(ext) - 1, hash, sizeof(hash));
	pki_cert_free(&c);
	pki_key_free(&k);
	arena_free(&a);
}

static void signing_request_has_names_only_as_san(void **state)
{
	struct pki_key *k = make_key(PKI_RSA2048);
	struct arena *a = arena_must(0);
	struct str name = STR("mta-sts.a.test"), der;
	struct err e = {};

	(void)state;
	assert_int_equal(pki_csr(k, &name, 1, a, &der, &e), ST_OK);
	assert_non_null(memmem(der.p, der.n, name.p, name.n));
	/* version 0, then an empty subject */
	assert_non_null(memmem(der.p, der.n, "\x02\x01\x00\x30\x00", 5));
	assert_int_equal(pki_csr(k, &name, 0, a, &der, &e), ST_INVALID);
	pki_key_free(&k);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_survive_their_compact_form),
		cmocka_unit_test(local_ca_issues_what_verifies),
		cmocka_unit_test(chains_verify_by_host_time_and_anchor),
		cmocka_unit_test(alpn_certificate_carries_the_proof),
		cmocka_unit_test(signing_request_has_names_only_as_san),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
