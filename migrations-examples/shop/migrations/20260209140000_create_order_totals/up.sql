create view order_totals as
select o.id as order_id, o.customer_id, sum(i.quantity * i.unit_price_cents) as total_cents
from orders o
join order_items i on i.order_id = o.id
group by o.id, o.customer_id;
