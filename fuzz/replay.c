/* SPDX-License-Identifier: Apache-2.0 */
/* replay: runs a fuzz target over the files of its corpus folder. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0) {
		perror(name);
		return 1;
	}
	data = mem_must((size_t)st.st_size);
	n = read(fd, data, (size_t)st.st_size);
	(void)close(fd);
	if (n != st.st_size) {
		(void)fprintf(stderr, "%s: short read\n", name);
		mem_free(data);
		return 1;
	}
	(void)LLVMFuzzerTestOneInput(data, (size_t)n);
	mem_free(data);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *ent;
	int bad = 0, n = 0;

	if (d == NULL) {
		(void)fprintf(stderr, "usage: replay CORPUS-FOLDER\n");
		return 64;
	}
	while ((ent = readdir(d)) != NULL) {
		if (ent->d_name[0] == '.')
			continue;
		bad += replay_file(dirfd(d), ent->d_name);
		n++;
	}
	(void)closedir(d);
	(void)printf("%d inputs replayed\n", n);
	return bad > 0 || n == 0;
}
