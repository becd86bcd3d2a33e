# What apparmor.sh runs containers under: "box" denies one file, and writing below any directory "locked".
profile box flags=(attach_disconnected) {
	file,
	capability,
	network,
	mount,
	signal,
	ptrace,
	unix,
	deny /etc/secret rw,
	deny /**/locked/** w,
}
