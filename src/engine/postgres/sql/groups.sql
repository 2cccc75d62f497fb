SET switchback.groups TO '{oids}';
