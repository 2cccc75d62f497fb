-- Few relations are looked up. How, is decided once, when the catalog is small; it shall hold when it has grown.
SET switchback.groups TO '{oids}';
SET enable_seqscan TO off;
