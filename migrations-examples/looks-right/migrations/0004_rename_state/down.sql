update orders set state = 'done' where state = 'closed';
