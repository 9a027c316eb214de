/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake_speed: takes in the mails of a folder, as far as the stage says, and
 * prints how many per second of processor time and how many per second.
 *
 *     intake_speed unpack FOLDER MS       the JSON texts of each mail
 *     intake_speed model  FOLDER MS       and the reports they are
 *     intake_speed dkim   FOLDER MS       and their signatures
 *     intake_speed store  FOLDER MOATD    spool/new -> child -> rows ->
 *                                         spool/done, all synced
 *
 * MS is of processor time; to be stored, each mail needs a report of its own.
 * FOLDER/keys holds the keys of their signatures as report.dkim_keys does; the
 * reports are about d0.example, d1.example and so on.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/log.h"
#include "base/num.h"
#include "base/vec.h"
#include "intake/digest.h"
#include "intake/dkim_keys.h"
#include "intake/lmtp_server.h"
#include "intake/mime.h"
#include "intake/unpack.h"

#include "base/poison.h"

#define DOMAINS 100
#define MAILS_MAX 100000u
#define ARENA_MAX ((size_t)1 << 30)
#define CHILD_MS 60000

struct bench {
	struct arena *a;
	struct {
		struct str *items;
		size_t n, cap;
	} mails;
	struct dkim_keys *keys;
	struct err e;
};

static void must(enum status st, const struct err *e)
{
	if (st == ST_OK)
		return;
	(void)fprintf(stderr, "intake_speed: %s\n", e->text);
	exit(EXIT_FAILURE);
}

/* ---- clocks ---- */

struct times {
	double cpu, wall; /* seconds */
};

static double cpu_of(int who)
{
	struct rusage u;

	BUG(getrusage(who, &u) != 0);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Children count when they have ended. */
static struct times now(void)
{
	return (struct times){ cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN),
		(double)clock_mono(clock_system()).ms / 1e3 };
}

static void print_rates(size_t n, struct times began)
{
	struct times ended = now();

	(void)printf("%.1f %.1f\n", (double)n / (ended.cpu - began.cpu),
		(double)n / (ended.wall - began.wall));
}

/* ---- mails ---- */

static struct str read_file(struct arena *a, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st = {};
	char *p;

	if (fd < 0 || fstat(fd, &st) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	p = arena_alloc(a, (size_t)st.st_size);
	BUG(p == NULL || read(fd, p, (size_t)st.st_size) != st.st_size);
	(void)close(fd);
	return (struct str){ p, (size_t)st.st_size };
}

static void read_mails(struct bench *b, const char *folder)
{
	struct resolver_options options = {};
	DIR *d = opendir(folder);
	struct dirent *ent;
	struct str mail;

	BUG(d == NULL);
	while ((ent = readdir(d)) != NULL) {
		if (!str_ends(str_of(ent->d_name), STR(".eml")))
			continue;
		mail = read_file(
			b->a, arena_fmt(b->a, "%s/%s", folder, ent->d_name).p);
		BUG(!VEC_PUSH(b->a, &b->mails, mail));
	}
	(void)closedir(d);
	BUG(b->mails.n == 0 || b->mails.n > MAILS_MAX);
	must(dkim_keys_open(&options, arena_fmt(b->a, "%s/keys", folder).p,
		     clock_system(), &b->keys, &b->e),
		&b->e);
}

/* ---- stages of one process ---- */

static void stage_unpack(struct bench *b, struct arena *a, struct str mail)
{
	struct unpacked texts;

	must(unpack(a, mail, &texts, &b->e), &b->e);
}

static void stage_model(struct bench *b, struct arena *a, struct str mail)
{
	struct unpacked_reports found;

	must(unpack_reports(a, mail, &found, &b->e), &b->e);
}

static void stage_dkim(struct bench *b, struct arena *a, struct str mail)
{
	struct dkim_signatures signs;

	stage_model(b, a, mail);
	must(dkim_mail_check(a, mail, clock_now(clock_system()).s,
		     dkim_keys_find, b->keys, &signs, &b->e),
		&b->e);
	BUG(signs.n != 1 || signs.items[0].result != DKIM_RESULT_PASS);
}

static void run_stage(struct bench *b,
	void (*stage)(struct bench *, struct arena *, struct str), double ms)
{
	struct times began = now();
	size_t n = 0;

	do
		for (size_t i = 0; i < b->mails.n; i++, n++) {
			struct arena *a = arena_must(ARENA_MAX);

			stage(b, a, b->mails.items[i]);
			arena_free(&a);
		}
	while ((now().cpu - began.cpu) * 1e3 < ms);
	print_rates(n, began);
}

/* ---- the whole ---- */

static void add_domains(struct bench *b, struct store *s)
{
	struct store_report_rule accept = { STORE_REPORT_ACCEPTED,
		STORE_REPORT_ACCEPTED };

	must(store_report_rule_put(s, STORE_TENANT_DEFAULT, &accept, &b->e),
		&b->e);
	for (int i = 0; i < DOMAINS; i++) {
		struct store_domain d = { .tenant = STORE_TENANT_DEFAULT,
			.name = arena_fmt(b->a, "d%d.example", i),
			.label = arena_fmt(b->a, "label%d", i),
			.token = STR("t"),
			.created = 1 };

		must(store_domain_add(s, &d, &b->e), &b->e);
	}
}

static void fill_spool(struct bench *b, struct spool *spool)
{
	static const char mailbox[] = { LMTP_TENANT_MARK, 'd', 'e', 'f', 'a',
		'u', 'l', 't' };
	struct spool_meta meta = { .source = SPOOL_MAIL,
		.id = { mailbox, sizeof(mailbox) },
		.received = clock_now(clock_system()) };

	for (size_t i = 0; i < b->mails.n; i++)
		must(spool_stage(spool, &meta, b->mails.items[i], NULL, NULL,
			     &b->e),
			&b->e);
	must(spool_sync(spool, &b->e), &b->e);
}

static void run_digest(struct bench *b, struct digest *d)
{
	struct store_report_counts counts;
	struct times began = now();
	size_t done;

	do
		must(digest_run(d, 1000, &done, &b->e), &b->e);
	while (done > 0);
	digest_reader_free(&d->reader); /* so that its processes count */
	print_rates(b->mails.n, began);
	must(store_report_count(d->store, STORE_TENANT_DEFAULT, &counts, &b->e),
		&b->e);
	BUG(counts.proven[STORE_REPORT_ACCEPTED] +
			counts.unproven[STORE_REPORT_ACCEPTED] !=
		(int64_t)b->mails.n);
}

static void run_store(struct bench *b, const char *moatd, const char *dir)
{
	struct digest_reader_options options = {
		.program = moatd,
		.time_ms = CHILD_MS,
		.key = dkim_keys_find,
		.key_ctx = b->keys,
	};
	struct spool_limits limits = SPOOL_LIMITS_DEFAULT;
	struct digest d = { .later = digest_later_new(),
		.clock = clock_system() };

	d.reader = digest_reader_new(&options);
	must(store_open(arena_fmt(b->a, "%s/moat.db", dir).p, &d.store, &b->e),
		&b->e);
	must(spool_open(arena_fmt(b->a, "%s/spool", dir).p, &limits, &d.spool,
		     &b->e),
		&b->e);
	add_domains(b, d.store);
	fill_spool(b, d.spool);
	run_digest(b, &d);
	digest_later_free(&d.later);
	spool_close(&d.spool);
	store_close(&d.store);
}

int main(int argc, char **argv)
{
	struct bench b = { .a = arena_must(0) };
	char dir[] = "/tmp/moat-bench-XXXXXX";
	struct str stage = argc == 4 ? str_of(argv[1]) : STR("");
	uint32_t ms = 0;

	log_set_level(LOG_ERROR);
	if (str_eq(stage, STR("store"))) {
		read_mails(&b, argv[2]);
		BUG(mkdtemp(dir) == NULL);
		run_store(&b, argv[3], dir);
		BUG(system(arena_fmt(b.a, "rm -r %s", dir).p) != 0);
	} else if (stage.n > 0 &&
		   num_u32(str_of(argv[3]), 1, 60000, &ms) == ST_OK) {
		read_mails(&b, argv[2]);
		mime_prepare();
		dkim_mail_prepare();
		run_stage(&b,
			str_eq(stage, STR("unpack"))  ? stage_unpack
			: str_eq(stage, STR("model")) ? stage_model
						      : stage_dkim,
			ms);
	} else {
		(void)fprintf(stderr,
			"usage: intake_speed unpack|model|dkim FOLDER MS | "
			"store FOLDER MOATD\n");
		return 64;
	}
	dkim_keys_close(&b.keys);
	arena_free(&b.a);
	return 0;
}
