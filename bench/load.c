/* SPDX-License-Identifier: Apache-2.0 */
/* load: a table of options; CPU time by getrusage and /proc. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/load.h"

#include "base/bug.h"
#include "base/num.h"

#include "base/poison.h"

static bool set(const struct load_option *o, const char *arg)
{
	if (o->flag != NULL)
		*o->flag = true;
	else if (o->text != NULL)
		*o->text = arg;
	else
		return num_u32(str_of(arg), o->min, o->max, o->number) == ST_OK;
	return true;
}

static void usage(
	const char *program, const struct load_option *options, size_t n)
{
	(void)fprintf(stderr, "usage: %s", program);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(stderr,
			options[i].flag != NULL ? " [-%c (%s)]" : " [-%c %s]",
			options[i].letter, options[i].what);
	(void)fprintf(stderr, "\n");
}

bool load_options_read(int argc, char **argv, const char *program,
	const struct load_option *options, size_t n)
{
	char letters[2 * LOAD_OPTIONS_MAX + 1];
	size_t k = 0, i;
	int c;

	BUG(n > LOAD_OPTIONS_MAX);
	for (i = 0; i < n; i++) {
		letters[k++] = options[i].letter;
		if (options[i].flag == NULL)
			letters[k++] = ':';
	}
	letters[k] = '\0';
	while ((c = getopt(argc, argv, letters)) != -1) {
		for (i = 0; i < n && options[i].letter != c; i++)
			;
		if (i == n || !set(&options[i], optarg)) {
			usage(program, options, n);
			return false;
		}
	}
	return true;
}

double load_cpu_seconds(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* CPU time of one thread, in nanoseconds; 0 if not known. */
static uint64_t thread_ns(const char *folder, const char *id)
{
	char path[512], text[128] = "";
	uint64_t ns = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s/schedstat", folder, id);
	in = fopen(path, "re");
	if (in == NULL)
		return 0;
	if (fgets(text, sizeof(text), in) != NULL &&
		num_u64(str_upto(str_of(text), strcspn(text, " ")), 0,
			UINT64_MAX, &ns) != ST_OK)
		ns = 0;
	(void)fclose(in);
	return ns;
}

double load_server_seconds(uint32_t pid)
{
	struct dirent *ent;
	uint64_t ns = 0;
	char path[64];
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%u/task", pid);
	d = pid == 0 ? NULL : opendir(path);
	if (d == NULL)
		return 0;
	while ((ent = readdir(d)) != NULL)
		if (ent->d_name[0] != '.')
			ns += thread_ns(path, ent->d_name);
	(void)closedir(d);
	return (double)ns / 1e9;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void load_samples_sort(uint32_t *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), by_value);
}

double load_sample(const uint32_t *samples, size_t n, double part)
{
	return n == 0 ? 0 : samples[(size_t)(part * (double)(n - 1))];
}
