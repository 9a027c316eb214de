/* SPDX-License-Identifier: Apache-2.0 */
/* resolv.conf(5): its servers, and that a change is seen. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/resolv_conf.h"
#include "tests/io/tmpdir.h"
#include "tests/testing.h"

#include "base/poison.h"

static void assert_servers(struct str text, const char *want)
{
	struct addr servers[RESOLV_CONF_SERVERS_MAX];
	size_t n = resolv_conf_parse(text, servers);
	char p[256];
	struct sbuf b = sbuf_fixed(p, sizeof(p));

	for (size_t i = 0; i < n; i++) {
		sbuf_addz(&b, i == 0 ? "" : " ");
		addr_write(&b, &servers[i]);
	}
	assert_str(sbuf_str(&b), want);
}

static void servers_are_read(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "nameserver 192.0.2.1\n", "192.0.2.1:53" },
		{ "nameserver 192.0.2.1", "192.0.2.1:53" },
		{ "nameserver\t2001:db8::1  # ours\n", "[2001:db8::1]:53" },
		{ "  nameserver 192.0.2.1\r\n", "" },
		{ "search example\noptions edns0 trust-ad\n"
		  "nameserver 192.0.2.1\nnameserver 192.0.2.2\n",
			"192.0.2.1:53 192.0.2.2:53" },
		{ "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
		  "nameserver 192.0.2.3\nnameserver 192.0.2.4\n",
			"192.0.2.1:53 192.0.2.2:53 192.0.2.3:53" },
		{ "nameserver fe80::1%lo\n", "[fe80::1]:53" },
		{ "nameserver fe80::1%no-such-interface-at-all\n", "" },
		{ "nameserver 192.0.2.1%lo\n", "" },
		{ "nameserver host.example\nnameserver 192.0.2.9\n",
			"192.0.2.9:53" },
		{ "nameservers 192.0.2.1\nnameserver\n#nameserver 1.2.3.4\n",
			"" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_servers(str_of(rows[i].text), rows[i].want);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void a_change_is_seen(void **state)
{
	char folder[] = "/tmp/moat-test-XXXXXX";
	char path[64];
	struct sbuf b = sbuf_fixed(path, sizeof(path) - 1);
	struct resolv_conf c = { .path = path };
	bool changed;
	struct err e = {};

	(void)state;
	tmpdir_make(folder);
	sbuf_fmt(&b, "%s/resolv.conf", folder);
	path[b.n] = '\0';
	assert_int_equal(resolv_conf_read(&c, &changed, &e), ST_TEMP);
	assert_false(changed);
	write_text(path, "nameserver 192.0.2.1\n");
	assert_int_equal(resolv_conf_read(&c, &changed, &e), ST_OK);
	assert_true(changed);
	assert_int_equal(c.n_servers, 1);
	assert_int_equal(resolv_conf_read(&c, &changed, &e), ST_OK);
	assert_false(changed);
	write_text(path, "nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
	assert_int_equal(resolv_conf_read(&c, &changed, &e), ST_OK);
	assert_true(changed);
	assert_int_equal(c.n_servers, 2);
	/* what is known stays while there is nothing better */
	write_text(path, "search example\n");
	assert_int_equal(resolv_conf_read(&c, &changed, &e), ST_TEMP);
	assert_false(changed);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(resolv_conf_read(&c, &changed, &e), ST_TEMP);
	assert_false(changed);
	assert_int_equal(c.n_servers, 2);
	write_text(path, "#\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n");
	assert_int_equal(resolv_conf_read(&c, &changed, &e), ST_OK);
	assert_false(changed);
	tmpdir_remove(folder);
}

static void folders_are_where_it_is_replaced(void **state)
{
	char folder[] = "/tmp/moat-test-XXXXXX", out1[PATH_MAX], out2[PATH_MAX];
	char path[64];
	struct sbuf b = sbuf_fixed(path, sizeof(path) - 1);

	(void)state;
	tmpdir_make(folder);
	sbuf_fmt(&b, "%s/resolv.conf", folder);
	path[b.n] = '\0';
	assert_int_equal(symlink("/usr/share/nothing", path), 0);
	resolv_conf_folders(path, out1, out2);
	assert_string_equal(out1, folder);
	assert_string_equal(out2, folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	resolv_conf_folders(path, out1, out2);
	assert_string_equal(out1, folder);
	assert_string_equal(out2, "/etc");
	resolv_conf_folders("/resolv.conf", out1, out2);
	assert_string_equal(out1, "/");
	resolv_conf_folders("resolv.conf", out1, out2);
	assert_string_equal(out1, ".");
	tmpdir_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_read),
		cmocka_unit_test(a_change_is_seen),
		cmocka_unit_test(folders_are_where_it_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
